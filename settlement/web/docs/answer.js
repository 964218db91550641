// What came back, for the eye: JSON set out in lines, its numbers as they were sent; a file to save;
// whether it is a yes or a no, and where the no is explained.

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const ADVICE = {
  never: "更正后再发 · correct it first",
  later: "稍后原样再发 · send again later",
  same_msgid: "用同一 msgid 原样重发 · send again with the same msgid",
};

export function element(name, className = "", ...content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...content);
  return made;
}

export function link(address, words) {
  const made = element("a", "", words);
  made.href = address;
  return made;
}

// Keys, texts and numbers as spans of their own.
export function setOut(json) {
  const tokens = json.match(TOKENS) ?? [];
  const pre = element("pre");
  let depth = 0;
  const newLine = () => pre.append("\n" + "  ".repeat(depth));
  tokens.forEach((token, at) => {
    const empty = (open, close) => token === open && tokens[at + 1] === close;
    if (token === "}" || token === "]") {
      depth -= 1;
      if (!"{[".includes(tokens[at - 1])) newLine();
      pre.append(token);
    } else if (token === "{" || token === "[") {
      depth += 1;
      pre.append(token);
      if (!empty("{", "}") && !empty("[", "]")) newLine();
    } else if (token === ",") {
      pre.append(token);
      newLine();
    } else if (token === ":") {
      pre.append(": ");
    } else {
      const kind = token[0] !== '"' ? "number" : tokens[at + 1] === ":" ? "key" : "text";
      pre.append(element("span", kind, token));
    }
  });
  return pre;
}

// The line above an answer: yes, no, or something in between.
export function verdict(status, reply, milliseconds) {
  const code = reply?.err_code;
  const yes = status === 200 && !code;
  const line = element("p", `verdict ${yes ? "yes" : status >= 500 ? "odd" : "no"}`);
  line.append(element("b", "", yes ? "成功 done" : status === 200 ? "拒绝 refused" : "未受理 not taken"));
  if (code) line.append(link(`/docs/errors#${code}`, code));
  line.append(element("span", "", `HTTP ${status}`), element("span", "", `${milliseconds} ms`));
  return line;
}

// The words of a refusal, the field at fault and the advice.
export function reasons(reply) {
  const words = element("p", "reasons", reply.err_msg ?? reply.message ?? "");
  if (reply.err_field) words.append(element("code", "", reply.err_field));
  if (reply.retry) words.append(element("small", "", ADVICE[reply.retry] ?? reply.retry));
  return words;
}

export function file(blob) {
  const saved = link(URL.createObjectURL(blob), `保存文件 save the file · ${blob.size} B`);
  saved.download = "answer.zip";
  return element("p", "", saved);
}
