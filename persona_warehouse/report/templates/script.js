(function () {
  "use strict";
  var root = document.documentElement;
  var buttons = document.querySelectorAll("[data-switch]");
  root.classList.add("js");

  function inView(code) {
    var sections = document.querySelectorAll('[data-language="' + code + '"] section[id]');
    var found = null;
    sections.forEach(function (section) {
      if (section.getBoundingClientRect().top < 120) { found = section.id.slice(code.length); }
    });
    return found;
  }

  function show(code) {
    var before = root.lang.slice(0, 2);
    var place = before === code ? null : inView(before);
    buttons.forEach(function (button) {
      var chosen = button.dataset.switch === code;
      button.setAttribute("aria-pressed", String(chosen));
      if (chosen) { root.lang = button.dataset.tag; document.title = button.dataset.title; }
    });
    /* the two languages differ in length: stay at the section that was being read */
    if (place) { document.getElementById(code + place).scrollIntoView(); }
  }

  function fromAddress() {
    var code = location.hash.slice(1, 3);
    if (!document.querySelector('[data-switch="' + code + '"]')) { return; }
    show(code);
    var target = document.getElementById(location.hash.slice(1));
    if (target) { target.scrollIntoView(); }
  }

  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      show(button.dataset.switch);
      /* the choice stands in the address, so that a link can carry it; nothing is stored */
      try { history.replaceState(null, "", "#" + button.dataset.switch); } catch (refused) { return; }
    });
  });
  window.addEventListener("hashchange", fromAddress);
  fromAddress();

  /* of a long list only what fits what was typed */
  document.querySelectorAll("[data-find]").forEach(function (field) {
    var section = field.closest("section");
    var said = section.querySelector("[data-found]");
    var all = said.textContent;
    var items = Array.prototype.slice.call(section.querySelectorAll("[data-called]"));
    field.addEventListener("input", function () {
      var words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      var found = 0;
      items.forEach(function (item) {
        var fits = words.every(function (word) { return item.dataset.called.indexOf(word) >= 0; });
        item.hidden = !fits;
        found += fits;
      });
      said.textContent = words.length ? found + " " + said.dataset.words : all;
    });
  });

  /* paper cannot be unfolded */
  var unfolded = [];
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (each) { each.open = true; unfolded.push(each); });
  });
  window.addEventListener("afterprint", function () {
    unfolded.forEach(function (each) { each.open = false; });
    unfolded = [];
  });
})();
