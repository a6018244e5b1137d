// A block for shops' own pages: rung and points of the customer who stands there, or nothing at all.
// In Shopify the shop passes the question on and says who is logged in. Elsewhere the browser keeps a token that came
// with a link from the customer's own card. What comes back is shown as text, never as HTML.
(() => {
  const KEY = "tangga";
  const STYLE = `
    :host { display: block; }
    section { font: inherit; color: inherit; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 10px; padding: 12px 16px; max-width: 28rem; }
    p { margin: 0 0 6px; } p:last-child { margin: 0; }
    ol { display: flex; gap: 4px; list-style: none; margin: 0 0 8px; padding: 0; }
    li { flex: 1; height: 6px; border-radius: 3px; background: color-mix(in srgb, currentColor 15%, transparent); }
    li.on { background: var(--on, #0F6E63); }
    .line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px; font-weight: 600; }
    a, button { font: inherit; color: inherit; text-decoration: underline; background: none; border: 0; padding: 4px 0; min-height: 24px; cursor: pointer; }`;
  const base = document.currentScript && document.currentScript.src;

  const kept = () => {
    try { return window.localStorage.getItem(KEY); } catch { return null; }
  };
  const keep = (token) => {
    try { token ? window.localStorage.setItem(KEY, token) : window.localStorage.removeItem(KEY); } catch { /* a browser without storage forgets */ }
  };

  // The token comes behind the # of a link from the card; it does not stay in the address bar.
  const arrived = () => {
    const found = /[#&]tangga=([\w.-]+)/.exec(window.location.hash);
    if (!found) return kept();
    keep(found[1]);
    const rest = window.location.hash.replace(found[0], "").replace(/^#?&/, "#");
    window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search + (rest === "#" ? "" : rest));
    return found[1];
  };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const strip = ({ number, of }) => {
    const list = element("ol");
    list.setAttribute("aria-hidden", "true");
    for (let at = 1; at <= Math.min(of, 12); at += 1) list.append(element("li", "", at <= number ? "on" : ""));
    return list;
  };

  const more = (said, place) => {
    if (said.card && /^https?:\/\//.test(said.card.href)) {
      const link = element("a", said.card.text);
      link.href = said.card.href;
      return link;
    }
    const button = element("button", said.forget);
    button.type = "button";
    button.addEventListener("click", () => { keep(null); place.remove(); });
    return button;
  };

  const show = (place, said) => {
    if (!said || said.shown !== true) return;
    const root = place.shadowRoot || place.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const box = element("section"), line = element("p", "", "line");
    box.lang = said.lang;
    if (/^#[0-9a-f]{6}$/i.test(said.color)) box.style.setProperty("--on", said.color);
    box.setAttribute("aria-label", said.hello);
    line.append(element("span", `${said.rung.number} ${said.rung.name}`), element("span", said.points));
    box.append(element("p", said.hello), strip(said.rung), line);
    if (said.next) box.append(element("p", said.next));
    const last = element("p");
    last.append(more(said, place));
    box.append(last);
    root.replaceChildren(box);
    place.hidden = false;
  };

  const ask = async (place) => {
    const through = place.dataset.tangga;
    const token = through ? null : arrived();
    if (!through && !(token && base)) return;
    const answer = through
      ? await fetch(through, { headers: { Accept: "application/json" } })
      : await fetch(new URL("/storefront/me", base), { method: "POST", body: token, credentials: "omit" });
    if (!through && answer.status === 403) keep(null);
    if (answer.ok) show(place, await answer.json());
  };

  document.querySelectorAll("[data-tangga]").forEach((place) => ask(place).catch(() => {}));
})();
