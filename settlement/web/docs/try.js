// The page where requests are tried. One panel moves to the transaction that is being tried. The
// secret stays in its input: it is neither kept nor sent, only the signature made of it is.

import { sha256 } from "./sha256.js";
import * as answer from "./answer.js";
import * as message from "./message.js";

const DEMO_WORLD = "/demo/world.json?persons=40";
const KEPT = "settlement.try";
const PHARMACY_INFNOS = /^(21|35|2203A|pay)/;
const ROUND_PRICE = /^\d+\.\d\d$/;

const kept = { paasid: "", order: "", issued: {}, serial: 0, ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };
const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(kept));
const panel = document.querySelector("#panel").content.firstElementChild.cloneNode(true);
const part = (name) => panel.querySelector(`[name=${name}]`);
const secret = part("secret");
const paasid = part("paasid");
const body = part("body");
const shown = panel.querySelector(".answer");
let section = null;
let world = null;
let filledAt = "";

function open(chosen) {
  section = chosen;
  section.querySelector("h2").after(panel);
  panel.hidden = false;
  panel.classList.toggle("with-order", hasOrder());
  panel.classList.toggle("without-body", !hasBody());
  part("order").value = kept.order;
  panel.querySelector(".command").hidden = true;
  shown.replaceChildren();
  if (world) chooseInstitutions();
  restore();
  body.focus({ preventScroll: true });
}

function restore() {
  filledAt = message.regionTime(Date.now());
  body.value = message.withTimes(section.querySelector(".sample").textContent, filledAt);
  if (world) {
    fillWallet();
    fillInstitution();
    fillItem();
    fillPerson();
  } else {
    fillIssued();
  }
  freshMsgid();
  body.style.height = "auto";
  body.style.height = `${Math.min(body.scrollHeight + 4, 520)}px`;
}

// Another message happens now: times that were filled in move on, those that were typed stay.
function freshMsgid() {
  kept.serial += 1;
  keep();
  const now = message.regionTime(Date.now());
  const moved = body.value.replaceAll(`"${filledAt}"`, `"${now}"`);
  const code = message.valueOf(moved, "fixmedins_code");
  body.value = message.withOrder(message.withMsgid(moved, code, kept.serial, now), kept.serial, now);
  filledAt = now;
}

// --- the demo world ---------------------------------------------------------------------------

async function enterWorld() {
  const reply = await fetch(DEMO_WORLD);
  if (!reply.ok) return;
  world = await reply.json();
  world.catalogue = world.catalogue.filter((item) => ROUND_PRICE.test(item.price));
  const scheme = (person) => (person.insutype === "310" ? "职工" : "居民");
  offer("person", world.persons, (one) => `${one.psn_name} · ${scheme(one)} · ${one.balance} 元`);
  offer("item", world.catalogue, (one) => `${one.name} · ${one.price} 元`);
  panel.classList.add("demo");
  if (section) open(section);
}

function offer(name, choices, words) {
  part(name).replaceChildren(
    ...choices.map((choice, at) => new Option(words(choice), String(at))),
  );
}

function chooseInstitutions() {
  const kind = PHARMACY_INFNOS.test(section.dataset.infno) ? "pharmacy" : "hospital";
  const fit = (one) => one.kind === kind;
  offer("institution", world.institutions, (one) => `${one.name} · ${one.code}`);
  const before = world.institutions.findIndex((one) => fit(one) && one.paasid === paasid.value);
  part("institution").value = String(before >= 0 ? before : world.institutions.findIndex(fit));
}

function fillInstitution() {
  const chosen = world.institutions[part("institution").value];
  if (!chosen) return;
  paasid.value = kept.paasid = chosen.paasid;
  secret.value = chosen.secret;
  body.value = message.withValues(body.value, message.ofInstitution(chosen, world.region));
}

function fillPerson() {
  const chosen = world.persons[part("person").value];
  if (!chosen) return;
  body.value = message.withValues(body.value, message.ofPerson(chosen));
  fillIssued();
}

// What earlier answers issued: about this person, and to the institution.
function fillIssued() {
  const person = message.valueOf(body.value, "psn_no");
  body.value = message.withValues(body.value, { ...kept.issued[""], ...kept.issued[person] });
}

function fillItem() {
  const chosen = world.catalogue[part("item").value];
  if (chosen) body.value = message.withValues(body.value, message.ofItem(chosen));
}

// What a payer would show: a code of the simulated channels, where there are any.
function fillWallet() {
  const code = world.channels?.wechat?.test_auth_codes?.ok;
  if (code) body.value = message.withValues(body.value, { pay_code: code });
}

// --- sending ----------------------------------------------------------------------------------

async function send() {
  if (part("fresh").checked) freshMsgid();
  const sent = body.value;
  panel.classList.add("waiting");
  const started = performance.now();
  try {
    const request = { method: method(), headers: signed(), ...(hasBody() ? { body: sent } : {}) };
    const reply = await fetch(address(), request);
    const content = await reply.blob();
    await show(reply, content, sent, Math.round(performance.now() - started));
  } catch (fault) {
    part("fresh").checked = false;
    shown.replaceChildren(answer.element("p", "verdict odd", answer.element("b", "", "没有应答 no answer")),
      answer.element("p", "reasons", `${fault.message}。请用同一 msgid 再发 · send it again with the same msgid`));
  } finally {
    panel.classList.remove("waiting");
  }
}

// A section without an address of its own is a transaction.
const place = () => section.dataset.path ?? `/hsa/hgs/${section.dataset.infno}`;
const method = () => section.dataset.method ?? "POST";
const hasBody = () => method() !== "GET";
const hasOrder = () => /\{\w+\}/.test(place());
const address = () =>
  location.origin + place().replace(/\{\w+\}/, encodeURIComponent(part("order").value));

function signed() {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const random = crypto.getRandomValues(new Uint8Array(8));
  const nonce = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    "Content-Type": "application/json",
    "x-tif-paasid": paasid.value,
    "x-tif-timestamp": timestamp,
    "x-tif-nonce": nonce,
    "x-tif-signature": sha256(timestamp + secret.value + nonce + timestamp),
  };
}

async function show(reply, content, sent, milliseconds) {
  if (reply.headers.get("content-type").startsWith("application/zip")) {
    shown.replaceChildren(answer.verdict(200, null, milliseconds), answer.file(content));
    return;
  }
  const text = await content.text();
  const told = JSON.parse(text);
  const lines = [answer.verdict(reply.status, told, milliseconds)];
  if (told.err_code) lines.push(answer.reasons(told));
  if (told.warn_msg) lines.push(answer.element("p", "reasons", told.warn_msg));
  if (told.infcode === 0) remember(told.output, sent);
  if (told.order_no) keepOrder(told.order_no);
  if (told.status && !told.err_code) lines.push(answer.element("p", "reasons", told.message));
  const settled = told.output?.setlinfo?.setl_id ?? told.settlement_id;
  if (settled) lines.push(explainer(settled));
  part("fresh").checked = told.retry !== "same_msgid" && told.retry !== "later";
  shown.replaceChildren(...lines, answer.setOut(text));
}

// The numbers that this answer issued are filled in where the person is met again.
function remember(output, sent) {
  const person = message.valueOf(sent, "psn_no");
  const written = { omsgid: message.valueOf(sent, "msgid"), oinfno: section.dataset.infno };
  const what = section.dataset.effect === "write" ? written : {};
  kept.issued[person] = { ...kept.issued[person], ...message.issuedBy(output), ...what };
  keep();
}

// The order that was made is asked about, cancelled and refunded next.
function keepOrder(number) {
  kept.order = number;
  keep();
}

function explainer(setlId) {
  const asked = answer.element("button", "plain", "这笔怎么算的 how it was computed");
  asked.type = "button";
  asked.addEventListener("click", async () => {
    const reply = await fetch(`/settlements/${setlId}/explanation`, { headers: signed() });
    const told = await reply.json();
    asked.replaceWith(answer.element("pre", "", `${told.text_zh ?? told.message}\n\n${told.text_en ?? ""}`));
  });
  return asked;
}

async function copy(event) {
  const button = event.currentTarget;
  const sent = hasBody() ? body.value : null;
  const command = message.curlCommand(address(), paasid.value, sent);
  const area = panel.querySelector(".command");
  area.hidden = false;
  area.textContent = command;
  getSelection().selectAllChildren(area);
  // The clipboard is for secure contexts only; elsewhere the command is there, selected.
  const copied = await navigator.clipboard?.writeText(command).then(() => true, () => false);
  button.dataset.said = copied ? "已复制 copied" : "已选中 selected";
}

// --- the page ---------------------------------------------------------------------------------

function filterContents(event) {
  const wanted = event.target.value.trim().toLowerCase();
  for (const entry of document.querySelectorAll("nav li[data-words]")) {
    entry.hidden = !entry.dataset.words.toLowerCase().includes(wanted);
  }
  for (const group of document.querySelectorAll("nav section")) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
}

paasid.value = kept.paasid;
paasid.addEventListener("input", () => { kept.paasid = paasid.value; keep(); });
part("institution").addEventListener("change", fillInstitution);
part("person").addEventListener("change", fillPerson);
part("item").addEventListener("change", fillItem);
panel.addEventListener("submit", (event) => { event.preventDefault(); send(); });
panel.querySelector(".copy").addEventListener("click", copy);
panel.querySelector(".restore").addEventListener("click", restore);
panel.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) panel.requestSubmit();
});
document.querySelector("#filter").addEventListener("input", filterContents);
for (const button of document.querySelectorAll("button.try")) {
  button.hidden = false;
  button.addEventListener("click", () => open(button.closest("section")));
}
if (document.body.dataset.demo) enterWorld();
