(function () {
  "use strict";
  var MOST = 40;

  /* an entry is looked for by its name, its table and what it means, in every language of the page */
  function entry(item, codes) {
    var said = codes.map(function (code) {
      return document.getElementById(code + item.id.slice(2)).querySelector("[data-said]").textContent;
    });
    var called = [item.dataset.table || "", item.dataset.name].concat(said).join(" ").toLowerCase();
    return { item: item, name: item.dataset.name, called: called, text: item.querySelector("[data-said]").textContent };
  }

  /* the better a name fits, the higher it stands: the name itself, its beginning, within it, a table, a text */
  function fit(one, words, typed) {
    if (!words.every(function (word) { return one.called.indexOf(word) >= 0; })) { return null; }
    if (one.name === typed || one.name === "marts." + typed || one.name === "quality." + typed) { return 0; }
    if (one.name.indexOf(typed) === 0) { return 1; }
    if (words.every(function (word) { return one.name.indexOf(word) >= 0; })) { return 2; }
    if (one.text.toLowerCase().indexOf(typed) === 0) { return 2; }
    return one.item.dataset.table ? 4 : 3;
  }

  function element(tag, text, kind) {
    var made = document.createElement(tag);
    made.textContent = text;
    if (kind) { made.className = kind; }
    return made;
  }

  function hit(one) {
    var item = one.item;
    var link = document.createElement("a");
    var named = document.createElement("span");
    link.href = "#" + item.id;
    named.appendChild(element("code", one.name));
    if (item.dataset.table) { named.appendChild(element("span", item.dataset.table, "where")); }
    link.appendChild(named);
    link.appendChild(element("span", one.text));
    var place = document.createElement("li");
    place.appendChild(link);
    return place;
  }

  var codes = Array.prototype.map.call(document.querySelectorAll("[data-language]"), function (body) {
    return body.dataset.language;
  });

  document.querySelectorAll("[data-look]").forEach(function (field) {
    var body = field.closest("[data-language]");
    var said = body.querySelector("[data-looked]");
    var hits = body.querySelector(".hits");
    var all = said.textContent;
    var entries = null;

    function look() {
      var typed = field.value.toLowerCase().trim();
      var words = typed.split(/[\s.]+/).filter(Boolean);
      var found = [];
      entries = entries || Array.prototype.map.call(body.querySelectorAll("[data-name]"), function (item) {
        return entry(item, codes);
      });
      entries.forEach(function (one, at) {
        var rank = words.length ? fit(one, words, typed) : null;
        if (rank !== null) { found.push([rank, at, one]); }
      });
      found.sort(function (one, other) { return one[0] - other[0] || one[1] - other[1]; });
      hits.textContent = "";
      found.slice(0, MOST).forEach(function (each) { hits.appendChild(hit(each[2])); });
      if (found.length > MOST) {
        var rest = document.createElement("li");
        rest.appendChild(element("p", found.length - MOST + " " + hits.dataset.more, "note"));
        hits.appendChild(rest);
      }
      hits.hidden = !found.length;
      hits.scrollTop = 0;
      said.textContent = words.length ? found.length + " " + said.dataset.words : all;
    }

    field.addEventListener("input", look);
    field.addEventListener("keydown", function (event) {
      var first = hits.querySelector("a");
      if (!first || (event.key !== "ArrowDown" && event.key !== "Enter")) { return; }
      event.preventDefault();
      if (event.key === "Enter") { first.click(); } else { first.focus(); }
    });
    hits.addEventListener("keydown", function (event) {
      var links = Array.prototype.slice.call(hits.querySelectorAll("a"));
      var at = links.indexOf(document.activeElement);
      if (at < 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) { return; }
      event.preventDefault();
      (links[at + (event.key === "ArrowDown" ? 1 : -1)] || (event.key === "ArrowUp" ? field : links[at])).focus();
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) { return; }
    document.querySelectorAll("[data-look]").forEach(function (field) {
      if (field.offsetParent) { event.preventDefault(); field.focus(); field.select(); }
    });
  });

  /* what an address points at may be folded away */
  function unfold() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var folded = target && target.closest("details.table");
    if (!folded) { return; }
    folded.open = true;
    target.scrollIntoView({ block: target === folded ? "start" : "center" });
    if (target !== folded) { target.focus({ preventScroll: true }); }
  }
  window.addEventListener("hashchange", unfold);
  document.addEventListener("click", function (event) {
    var link = event.target.closest('a[href^="#"]');
    /* the same address again is no change of it */
    if (link && link.hash === location.hash) { unfold(); }
  });
  unfold();
})();
