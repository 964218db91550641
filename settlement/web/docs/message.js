// The text of a request: values are put in where their names stand, and all else stays as it was
// typed. Nothing is parsed, so that a broken message and 12.50 are sent as they are.

// What a person, an institution or an item of the demo world says in a request.
const PERSON = [
  "psn_no", "psn_name", "psn_cert_type", "certno", "mdtrt_cert_type", "mdtrt_cert_no", "psn_type",
  "insutype",
];
const ITEM = ["med_list_codg", "medins_list_codg"];
const AMOUNTS = ["pric", "det_item_fee_sumamt", "medfee_sumamt"];

// What an answer says that later requests about the same person repeat.
const ISSUED = [
  "mdtrt_id", "setl_id", "ipt_otp_no", "file_qury_no", "trt_dcla_detl_sn", "sign_no",
];
const QUOTED = ["fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"];

export function withValues(text, values) {
  let filled = text;
  for (const [name, value] of Object.entries(values)) {
    const place = new RegExp(`("${name}"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"|-?[0-9.eE+-]+|null)`, "g");
    filled = filled.replace(place, (_, before) => before + JSON.stringify(value));
  }
  return filled;
}

// The one of the envelope is the first; 2601 names another message further down.
export function withMsgid(text, code, serial, at) {
  const stamp = at.replace(/\D/g, "");
  const msgid = `${code.slice(0, 12)}${stamp}${String(serial % 10000).padStart(4, "0")}`;
  return text
    .replace(/("msgid"\s*:\s*)"[^"]*"/, `$1"${msgid}"`)
    .replace(/("inf_time"\s*:\s*)"[^"]*"/, `$1"${at}"`);
}

export function withTimes(text, at) {
  return text
    .replace(/"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"/g, `"${at}"`)
    .replace(/"\d{4}-\d\d-\d\d"/g, `"${at.slice(0, 10)}"`);
}

export function valueOf(text, name) {
  return new RegExp(`"${name}"\\s*:\\s*"([^"]*)"`).exec(text)?.[1] ?? "";
}

export function ofPerson(person) {
  return Object.fromEntries(PERSON.map((name) => [name, person[name]]));
}

export function ofInstitution(institution, region) {
  return {
    fixmedins_code: institution.code, fixmedins_name: institution.name,
    ide_fixmedins_no: institution.code,
    mdtrtarea_admvs: region, insuplc_admdvs: region, setl_optins: region,
  };
}

// One line of one piece: its amount and the bill's are the price.
export function ofItem(item) {
  return {
    ...Object.fromEntries(ITEM.map((name) => [name, item[name]])),
    ...Object.fromEntries(AMOUNTS.map((name) => [name, item.price])),
  };
}

// A cancel has a number and negative amounts of its own: nothing of it is repeated.
export function issuedBy(output) {
  if (output?.setlinfo?.medfee_sumamt < 0) return {};
  const found = {};
  for (const name of QUOTED) {
    if (output?.setlinfo?.[name] !== undefined) found[name] = output.setlinfo[name].toFixed(2);
  }
  const visit = (node) => {
    for (const [name, value] of Object.entries(node ?? {})) {
      if (typeof value === "object") visit(value);
      else if (ISSUED.includes(name) && value !== "") found[name] = value;
    }
  };
  visit(output);
  return found;
}

// Local time of the region, which keeps no summer time: yyyy-MM-dd HH:mm:ss.
export function regionTime(milliseconds) {
  return new Date(milliseconds + 8 * 3600e3).toISOString().slice(0, 19).replace("T", " ");
}

// The same request for a shell. The secret is not in it; the shell signs with its own $SECRET.
export function curlCommand(url, paasid, body) {
  const quoted = (words) => `'${words.replaceAll("'", "'\\''")}'`;
  return [
    ': "${SECRET:?先设置密钥 set the secret first}"',
    "T=$(date +%s) N=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')",
    "S=$(printf %s \"$T$SECRET$N$T\" | sha256sum | cut -d' ' -f1)",
    `curl -sS ${quoted(url)} \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -H ${quoted(`x-tif-paasid: ${paasid}`)} \\`,
    '  -H "x-tif-timestamp: $T" -H "x-tif-nonce: $N" -H "x-tif-signature: $S" \\',
    `  --data-binary ${quoted(body)}`,
    "",
  ].join("\n");
}
