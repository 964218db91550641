"use strict";
// The page of one order: it asks how the order stands, and lets the app whose browser this is open
// it on this phone; another browser lists what the institution offers. What an app says to the page
// is never taken for a payment; only what the server says is.

const PLACE = location.pathname.replace(/\/$/, "");
const LOOK_MS = 2000;
const OPEN = ["choose", "paying", "checking", "closing"];
const APPS = [["wechat", /MicroMessenger/i], ["alipay", /AlipayClient/i], ["unionpay", /UnionPay/i]];
const APP = (APPS.find(([, mark]) => mark.test(navigator.userAgent)) || [""])[0];
const APP_ZH = { wechat: "微信", alipay: "支付宝", unionpay: "云闪付" };
const part = (id) => document.getElementById(id);

let page = null;
let busy = false;
let next = 0;

function say(text) {
  part("notice").textContent = text;
  part("notice").hidden = !text;
}

function row(one) {
  const line = document.createElement("div");
  const name = document.createElement("dt");
  const amount = document.createElement("dd");
  name.textContent = one.name;
  amount.textContent = `${one.amount} 元`;
  line.append(name, amount);
  return line;
}

function mayOpen(way) {
  return APP ? way.channel === APP : way.channel !== "wechat";  // WeChat's call exists there alone
}

function scanWith(ways) {
  const names = ways.map((way) => APP_ZH[way.channel]);
  if (APP && names.length) return `本机构未开通${APP_ZH[APP]}付款，请用${names.join("或")}“扫一扫”打开本页。`;
  return names.length ? `也可用${names.join("或")}“扫一扫”打开本页后支付。` : "";
}

function button(way) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = way.channel;
  made.disabled = busy;
  made.textContent = `${way.name} ${page.amount} 元`;
  made.addEventListener("click", () => pay(way));
  return made;
}

function left(seconds) {
  if (!seconds) return "";
  const minutes = Math.floor(seconds / 60);
  return `请在 ${minutes} 分 ${String(seconds % 60).padStart(2, "0")} 秒内支付`;
}

function show(told) {
  page = told;
  part("institution").textContent = told.institution;
  part("amount-name").textContent = told.amount_name;
  part("amount").textContent = `¥ ${told.amount}`;
  part("left").textContent = left(told.seconds_left);
  part("standing").className = `standing ${told.state}`;
  part("title").textContent = told.title;
  part("hint").textContent = told.hint;
  part("parts").replaceChildren(...told.parts.map(row));
  part("bill").hidden = !told.parts.length;
  const here = told.ways.filter(mayOpen);
  part("ways").replaceChildren(...here.map(button));
  part("elsewhere").hidden = told.state !== "choose";  // once opened, it waits for this phone
  const scan = APP && here.length ? "" : scanWith(told.ways.filter((way) => !mayOpen(way)));
  part("scan").textContent = scan;
  part("scan").hidden = !scan;
  if (!OPEN.includes(told.state)) say("");
  document.title = `${told.title} · ${told.institution}`;
  part("main").hidden = false;
  part("loading").hidden = true;
}

async function look() {
  try {
    const answer = await fetch(`${PLACE}/state`, { cache: "no-store" });
    if (answer.ok) show(await answer.json());
    else if (answer.status === 404) part("loading").textContent = "没有这个付款页面，请到窗口重新扫码。";
  } catch {
    // Out of reach for a moment: what is shown stays, and is asked for again.
  }
  clearTimeout(next);  // however often it was asked for in between, one look follows
  if (page === null || OPEN.includes(page.state)) next = setTimeout(look, LOOK_MS);
}

function code() {
  const asked = new URLSearchParams(location.search).get("code");
  if (asked) history.replaceState(null, "", PLACE);  // it is good once
  return asked;
}

async function pay(way) {
  say("");
  if (busy) return;
  if (!way.sign_in) return go({ channel: way.channel });
  busy = true;
  location.assign(way.sign_in);
  setTimeout(() => { busy = false; if (page) show(page); }, LOOK_MS);
}

async function go(asked) {
  busy = true;
  if (page) show(page);
  try {
    const answer = await fetch(`${PLACE}/pay`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    const told = await answer.json();
    busy = false;
    if (told.page) show(told.page);
    if (told.call) return pass(told.call);
    say(told.message || told.err_msg || "");
  } catch {
    busy = false;
    say("网络不通，请稍后再点支付。未重复收款。");
  }
}

function pass(call) {
  if (call.kind === "open") return location.assign(call.url);
  const invoke = () => WeixinJSBridge.invoke("getBrandWCPayRequest", call.jsapi, (heard) => {
    const said = heard && heard.err_msg;
    if (said === "get_brand_wcpay_request:cancel") say("您已取消支付，可以重新支付。");
    else if (said !== "get_brand_wcpay_request:ok") say("支付没有完成，可以重新支付。");
    look();
  });
  if (typeof WeixinJSBridge === "undefined") {
    document.addEventListener("WeixinJSBridgeReady", invoke, { once: true });
  } else {
    invoke();
  }
}

const signedIn = code();
look().then(() => { if (signedIn) go({ channel: "wechat", code: signedIn }); });
// Whoever comes back from an app by the browser's own way sees the page as it was left.
addEventListener("pageshow", (event) => { if (event.persisted) { busy = false; look(); } });
