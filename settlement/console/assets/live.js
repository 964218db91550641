// Refreshes the part of a page that changes, without flicker: what is the same stays as it is, so
// that nothing under the pointer or the reader moves. Stops while nobody looks.
const place = document.querySelector("[data-live]");
const EVERY = 5000;

function replace(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const same = old.nodeName === fresh.nodeName && old.nodeType === fresh.nodeType;
  if (!same) return old.replaceWith(fresh.cloneNode(true));
  if (old.nodeType === Node.TEXT_NODE) {
    old.nodeValue = fresh.nodeValue;
    const cell = old.parentElement?.closest("dd, td");
    if (cell) {
      cell.classList.remove("changed");
      void cell.offsetWidth;
      cell.classList.add("changed");
    }
    return;
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const [mine, theirs] = [[...old.childNodes], [...fresh.childNodes]];
  theirs.forEach((node, at) =>
    at < mine.length ? replace(mine[at], node) : old.append(node.cloneNode(true)),
  );
  mine.slice(theirs.length).forEach((node) => node.remove());
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.live, { credentials: "same-origin", redirect: "manual" });
  if (answer.type === "opaqueredirect") return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (fresh) replace(place, fresh);
}

if (place) setInterval(() => refresh().catch(() => {}), EVERY);
