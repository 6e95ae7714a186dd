"use strict";
// Draws the vectors and the maps. All text goes in as text.
const data = JSON.parse(document.getElementById("data").textContent);
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function drawStrip(canvas, numbers) {
  canvas.width = numbers.length;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const [positive, negative] = [colour("--positive"), colour("--negative")];
  numbers.forEach((number, i) => {
    context.globalAlpha = Math.abs(number) / 100;
    context.fillStyle = number < 0 ? negative : positive;
    context.fillRect(i, 0, 1, 1);
  });
}

function drawMap(canvas, rows) {
  const cell = Math.max(1, Math.floor(168 / rows.length));
  canvas.width = canvas.height = cell * rows.length;
  const context = canvas.getContext("2d");
  context.fillStyle = colour("--heat");
  rows.forEach((row, i) => row.forEach((weight, j) => {
    context.globalAlpha = weight / 1000;
    context.fillRect(j * cell, i * cell, cell, cell);
  }));
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function showMap(table, tokens, rows, title) {
  table.replaceChildren();
  element("caption", title + ": of each row's token, percent", table);
  const head = table.createTHead().insertRow();
  element("td", "", head);
  tokens.forEach(token => {
    const label = element("th", token, head);
    label.scope = "col";
    label.title = token;
  });
  const body = table.createTBody();
  rows.forEach((row, i) => {
    const line = body.insertRow();
    const label = element("th", tokens[i], line);
    label.scope = "row";
    label.className = "token";
    tokens.forEach((token, j) => {
      const seen = j < row.length;
      const cell = element("td", seen && row[j] >= 5 ? Math.round(row[j] / 10) : "", line);
      cell.className = !seen ? "unseen" : row[j] > 620 ? "heat strong" : row[j] > 540 ? "heat middling" : "heat";
      if (seen) {
        cell.style.setProperty("--v", row[j] / 1000);
        cell.title = tokens[i] + " → " + token + ": " + (row[j] / 10).toFixed(1) + " %";
      }
    });
  });
}

for (const section of document.querySelectorAll("section.text")) {
  const text = data.texts[section.dataset.text];
  const slider = section.querySelector("input");
  const buttons = [...section.querySelectorAll(".heads button")];

  const drawVectors = () => {
    const layers = Number(slider.value);
    section.querySelector("output").textContent = layers + (layers === 1 ? " layer" : " layers");
    section.querySelectorAll("canvas[data-token]").forEach((canvas, i) => drawStrip(canvas, text.states[layers][i]));
    section.querySelectorAll("[data-lengths]").forEach(cell => cell.textContent = cell.dataset.lengths.split(" ")[layers]);
  };
  const drawMaps = () => buttons.forEach(button => drawMap(button.firstChild, text.attention[button.dataset.layer][button.dataset.head]));
  const choose = chosen => {
    buttons.forEach(button => button.setAttribute("aria-pressed", button === chosen));
    const { layer, head } = chosen.dataset;
    showMap(section.querySelector(".map"), text.tokens, text.attention[layer][head], "Layer " + layer + ", head " + head);
  };

  slider.addEventListener("input", drawVectors);
  buttons.forEach(button => button.addEventListener("click", () => choose(button)));
  const draw = () => { drawVectors(); drawMaps(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  choose(buttons[0]);
}
