// Offers institutions by code or name while somebody types into a field that wants one. Without this
// script the code is typed, or the whole name.
const WAIT = 120;

function offer(field, at) {
  const list = document.createElement("datalist");
  list.id = `institutions-${at}`;
  field.after(list);
  field.setAttribute("list", list.id);
  field.autocomplete = "off";
  let waiting = 0;
  let asked = "";
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    const text = field.value.trim();
    if (!text || [...list.options].some((one) => one.value === text)) return;
    waiting = setTimeout(async () => {
      asked = text;
      const from = `/console/institution-choices?${new URLSearchParams({ text })}`;
      const answer = await fetch(from, { credentials: "same-origin", redirect: "manual" });
      if (!answer.ok || asked !== text) return;
      const found = (await answer.json()).map(([code, name]) => new Option(`${name} ${code}`, code));
      list.replaceChildren(...found);
    }, WAIT);
  });
}

document.querySelectorAll("input[data-institutions]").forEach(offer);
