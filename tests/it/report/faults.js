// What is wrong with a report, by where everything is on the screen: a list of sentences.
(() => {
  const faults = [];
  const text = (element) => element.textContent.trim();
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push("the page is wider than the window");

  for (const heading of document.querySelectorAll("h1, h2, th, caption, dt")) {
    const range = document.createRange();
    range.selectNodeContents(heading);
    const width = range.getBoundingClientRect().width;
    if (text(heading).length > 3 && width < 24) faults.push(`a letter a line: ${text(heading)}`);
    if (heading.scope === "row" && text(heading).length <= 40) {
      const rows = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
      if (rows.size > 1) faults.push(`broken: ${text(heading)}`);
    }
  }

  for (const box of document.querySelectorAll(".picture, .table")) {
    if (box.scrollWidth <= box.clientWidth + 1) continue;
    const cue = box.nextElementSibling;
    if (!cue?.classList.contains("cue") || cue.getBoundingClientRect().height === 0) {
      faults.push("wider than the window, and nothing says so");
    }
  }

  const meet = (a, b, slack) =>
    a.left + slack < b.right && b.left + slack < a.right && a.top + slack < b.bottom && b.top + slack < a.bottom;
  for (const svg of document.querySelectorAll("svg")) {
    const boxes = [...svg.querySelectorAll("text")].filter((it) => text(it)).map((it) => [it, it.getBoundingClientRect()]);
    for (const path of svg.querySelectorAll("path.curve, path[class*=curve]")) {
      const length = path.getTotalLength();
      const matrix = path.getScreenCTM();
      const steps = Math.min(4000, Math.ceil(length));
      const on = new Set();
      for (let step = 0; step <= steps; step += 1) {
        const point = path.getPointAtLength((length * step) / steps).matrixTransform(matrix);
        for (const [it, box] of boxes) {
          if (point.x > box.left + 1 && point.x < box.right - 1 && point.y > box.top + 3 && point.y < box.bottom - 3) on.add(it);
        }
      }
      for (const it of on) faults.push(`on a curve: ${text(it)}`);
    }
    boxes.forEach(([one, a], place) => {
      for (const [, b] of boxes.slice(place + 1)) {
        if (meet(a, b, 2)) faults.push(`on another text: ${text(one)}`);
      }
    });
  }
  return faults;
})()
