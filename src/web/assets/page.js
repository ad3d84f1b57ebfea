// Makes the page move: uploads with progress; and when the server's events tell of a change, or its
// ages have grown, the page is fetched again and what differs is put in, as the server renders it.
// Without a script the page is a form and a table, and works.
"use strict";

const kUploadsAtOnce = 3;
const kPauseMs = 300;       // between two fetches: many events are one
const kPatienceMs = 20000;  // for one of them
const kRefreshMs = 5000;    // without events too
const kReconnectMs = 10000;

const $ = (id) => document.getElementById(id);
const body = $("jobs");
const drop = $("drop");
const picker = $("files");
const queue = [];
let uploading = 0;
let refreshing = false, wanted = false;

function say(text) { $("said").textContent = text; }

// What did not work is shown too, for a while.
function complain(text) {
  say(text);
  $("said").classList.remove("unseen");
  setTimeout(() => $("said").classList.add("unseen"), 6000);
}

// ---- what the server renders

// Leaves alone what is the same: focus, selection and images stay.
function follow(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  shown.hidden = fresh.hidden;
  shown.replaceChildren(...fresh.childNodes);
}

function followRow(shown, fresh) {
  const state = fresh.dataset.state;
  const ended = state !== shown.dataset.state && (state === "completed" || state === "failed");
  shown.dataset.state = state;
  Array.from(fresh.cells).forEach((cell, i) => follow(shown.cells[i], cell));
  if (ended) say(["name", "state"].map((part) => shown.querySelector("." + part).textContent).join(": "));
}

// The server's rows, newest first, below the uploads. An uploaded file's row becomes its job's as
// soon as the server shows that; ids sort by time.
function followRows(fresh) {
  const known = new Map(Array.from(body.rows, (row) => [row.dataset.id, row]));
  const ids = fresh.map((row) => row.dataset.id);
  for (const [id, row] of known) {
    if (!id || ids.includes(id)) continue;
    if (row.dataset.state !== "uploading" || id < ids.at(-1)) row.remove();
  }
  let below = null;
  for (const row of fresh.reverse()) {
    const shown = known.get(row.dataset.id) || row;
    if (shown !== row) followRow(shown, row);
    if (shown.nextElementSibling !== below || shown === row) body.insertBefore(shown, below);
    below = shown;
  }
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const focused = document.activeElement;
  const row = focused?.closest("#jobs tr");
  for (const id of ["notice", "tiles"]) follow($(id), page.getElementById(id));
  followRows(Array.from(page.getElementById("jobs").rows));
  $("empty").hidden = body.rows.length > 0;
  if (row && document.activeElement !== focused) {
    const next = focused.isConnected ? focused : row.isConnected && row.querySelector("button, .do a");
    (next || picker).focus();
  }
}

function alive(yes) {
  $("live").hidden = false;
  $("live").classList.toggle("lost", !yes);
  $("live").querySelector("span").textContent = yes ? "live" : "reconnecting…";
}

async function fetchPage() {
  try {
    const reply = await fetch("./", { signal: AbortSignal.timeout(kPatienceMs) });
    if (reply.ok) show(await reply.text());
    alive(reply.ok);
  } catch { alive(false); }
}

// One fetch at a time; what is asked for meanwhile is asked for once, after it.
async function refresh() {
  wanted = true;
  if (refreshing) return;
  refreshing = true;
  while (wanted) {
    wanted = false;
    await fetchPage();
    await new Promise((done) => setTimeout(done, kPauseMs));
  }
  refreshing = false;
}

function listen() {
  const source = new EventSource("v1/events");
  for (const kind of ["counts", "job", "error"]) source.addEventListener(kind, refresh);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, kReconnectMs);
  });
}

// A row's form is answered with the page; its address tells whether there is something to say.
async function act(address) {
  try {
    const reply = await fetch(address, { method: "POST" });
    if (!reply.ok) return complain((await reply.json()).detail);
    show(await reply.text());
    if (new URL(reply.url).search) complain($("notice").textContent);
  } catch { complain("the server cannot be reached"); }
}

// ---- uploads

// Each control is named with its image, for who hears the page.
function offer(row, file, word, act) {
  const button = row.querySelector("button");
  button.setAttribute("aria-label", word + ": " + file.name);
  button.textContent = word;
  button.onclick = act;
}

function uploadRow(file) {
  const row = $("upload").content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = file.name;
  row.querySelector("progress").setAttribute("aria-label", "Upload of " + file.name);
  offer(row, file, "Cancel", () => row.remove());
  body.prepend(row);
  $("empty").hidden = true;
  return row;
}

function refuse(row, file, text) {
  row.dataset.state = "failed";
  row.querySelector(".state").className = "state failed";
  row.querySelector(".state").textContent = "refused";
  row.querySelector("progress").remove();
  row.querySelector(".bad").textContent = text;
  offer(row, file, "Dismiss", () => { row.remove(); picker.focus(); });
  say(`${file.name}: ${text}`);
}

function reason(request) {
  try { return JSON.parse(request.responseText).detail || request.statusText; }
  catch { return request.statusText || "the upload failed"; }
}

// The server may have shown the job before it answered: then this row takes that one's place.
function taken(row, request) {
  const { id } = JSON.parse(request.responseText);
  Array.from(body.rows).find((other) => other.dataset.id === id)?.remove();
  row.dataset.id = id;
  row.querySelector(".state").textContent = "uploaded";
  refresh();
}

// What the form asks of an image, when it is added: a preset, or a size and a format.
function wished() {
  const preset = $("preset") ? $("preset").value : "";
  return preset ? { preset } : { size: $("size").value, format: $("format").value };
}

function upload({ file, row, wishes }) {
  if (!row.isConnected) return;  // cancelled in the queue
  ++uploading;
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ filename: file.name, ...wishes });
  const done = () => { --uploading; next(); };
  request.open("POST", "v1/jobs?" + query);
  const bar = row.querySelector("progress");
  const cancel = () => row.dataset.id ? act(`jobs/${row.dataset.id}/cancel`) : request.abort();
  offer(row, file, "Cancel", cancel);
  row.querySelector(".state").textContent = "uploading";
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.addEventListener("load", () => {
    if (request.status === 202) taken(row, request);
    else refuse(row, file, reason(request));
    done();
  });
  request.addEventListener("error", () => { refuse(row, file, "the server cannot be reached"); done(); });
  request.addEventListener("abort", () => { row.remove(); done(); });
  request.send(file);
}

function next() {
  while (uploading < kUploadsAtOnce && queue.length > 0) upload(queue.shift());
}

function add(files) {
  for (const file of files) {
    const row = uploadRow(file);
    if (file.size > Number(drop.dataset.max)) refuse(row, file, "the file is too large");
    else queue.push({ file, row, wishes: wished() });
  }
  next();
}

// ---- wiring

document.documentElement.classList.add("js");
picker.addEventListener("change", () => { add(picker.files); picker.value = ""; });
drop.addEventListener("click", (event) => {
  if (!event.target.closest("label, select, input")) picker.click();
});
drop.addEventListener("submit", (event) => event.preventDefault());
body.addEventListener("submit", (event) => { event.preventDefault(); act(event.target.action); });
let over = 0;
addEventListener("dragenter", (event) => { event.preventDefault(); ++over; drop.classList.add("over"); });
addEventListener("dragleave", () => { if (--over <= 0) { over = 0; drop.classList.remove("over"); } });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  over = 0;
  drop.classList.remove("over");
  add(event.dataTransfer.files);
});
addEventListener("paste", (event) => { if (event.clipboardData.files.length) add(event.clipboardData.files); });
setInterval(() => { if (!document.hidden) refresh(); }, kRefreshMs);
listen();
