// Makes the page move: uploads with progress, rows that follow the server's events. Without it the
// page is a form and a table, and works.
"use strict";

const words = {
  staging: "waiting", delayed: "will retry", processing: "running", completed: "done",
  failed: "failed", hold: "on hold", cancelled: "cancelled", uploading: "uploading",
};
const kMostRows = 50;
const kUploadsAtOnce = 3;

const $ = (id) => document.getElementById(id);
const body = $("jobs");
const drop = $("drop");
const picker = $("files");
const queue = [];
let uploading = 0;
let oldest;  // when the oldest waiting job was submitted; null for none

// ---- small things

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function say(text) { $("said").textContent = text; }

// What did not work is shown too, for a while.
function complain(text) {
  say(text);
  $("said").classList.remove("unseen");
  setTimeout(() => $("said").classList.add("unseen"), 6000);
}

const nameOf = (job) => job.name || job.id;

function bytes(n) {
  if (n < 1000) return n + " B";
  for (const unit of ["kB", "MB", "GB"]) {
    n /= 1000;
    if (n < 999.95 || unit === "GB") return n.toFixed(1) + " " + unit;
  }
}

function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 100) return s + " s";
  if (s < 6000) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " d";
}

function tick() {
  for (const time of body.querySelectorAll("time")) {
    time.textContent = age(Date.now() - Date.parse(time.dateTime));
  }
  if (oldest !== undefined) $("n-oldest").textContent = oldest === null ? "–" : age(Date.now() - oldest);
}

// ---- rows

// Each control is named with its image, for who hears the page.
function button(word, name, act) {
  const made = element("button", { type: "button", "aria-label": word + ": " + name }, word);
  made.addEventListener("click", act);
  return made;
}

async function ask(method, address) {
  try {
    const reply = await fetch(address, { method });
    if (!reply.ok) complain((await reply.json()).detail);
  } catch { complain("the server cannot be reached"); }
}

function actions(job) {
  const self = "/v1/jobs/" + job.id;
  const name = nameOf(job);
  const cancel = () => button("Cancel", name, () => ask("DELETE", self));
  const retry = (word) => button(word, name, () => ask("POST", self + "/retry"));
  const download = (result) => {
    const word = job.results.length === 1 ? "Download" : result.name;
    return element("a", {
      class: "button", href: result.url + "?download=1", "aria-label": word + ": " + name,
    }, word);
  };
  switch (job.state) {
    case "completed": return job.results.map(download);
    case "failed": return job.error.retryable === false ? [] : [retry("Try again")];
    case "delayed": return [retry("Try now"), cancel()];
    case "staging": case "hold": case "processing": return [cancel()];
    default: return [];
  }
}

function thumb(job) {
  if (job.state !== "completed" || job.results.length === 0) return element("span", { class: "thumb" });
  const address = "/result/" + job.id;
  return element("a", { class: "thumb", href: address, "aria-label": "Thumbnail: " + nameOf(job) },
    element("img", { src: address, alt: "", loading: "lazy" }));
}

function note(job) {
  const wrong = job.error || job.last_error;
  const kind = job.state === "failed" || job.state === "delayed" ? "bad" : "note";
  if (wrong) return element("span", { class: kind, title: wrong.meaning || "" }, wrong.message);
  const sizes = (job.results || []).map((r) => `${r.width}×${r.height}, ${bytes(r.bytes)}`);
  return element("span", { class: "note" }, sizes.join(" · "));
}

function fill(row, job) {
  const focused = row.contains(document.activeElement);
  row.dataset.state = job.state;
  row.replaceChildren(
    element("td", {}, thumb(job)),
    element("td", { class: "what" }, element("span", { class: "name" }, nameOf(job)), note(job)),
    element("td", {}, element("span", { class: "state " + job.state }, words[job.state])),
    element("td", { class: "age" }, element("time", { datetime: job.submitted_at },
      age(Date.now() - Date.parse(job.submitted_at)))),
    element("td", { class: "do" }, ...actions(job)));
  if (focused) (row.querySelector("button, .do a") || picker).focus();
}

function rowOf(id) { return body.querySelector(`tr[data-id="${CSS.escape(id)}"]`); }

// Newest first: ids sort by time. Uploads and refused files stay on top.
function place(row) {
  for (const other of body.children) {
    if (other.dataset.id && other.dataset.id < row.dataset.id) return other.before(row);
  }
  body.append(row);
}

function show(job) {
  let row = rowOf(job.id);
  if (row === null) {
    row = element("tr", { "data-id": job.id });
    place(row);
  }
  const before = row.dataset.state;
  fill(row, job);
  if (before !== job.state && (job.state === "completed" || job.state === "failed")) {
    say(`${nameOf(job)}: ${words[job.state]}`);
  }
  const jobs = body.querySelectorAll("tr[data-id]");
  for (let i = kMostRows; i < jobs.length; ++i) jobs[i].remove();
  $("empty").hidden = true;
}

// ---- uploads

function uploadRow(file) {
  const row = element("tr", { "data-state": "uploading" },
    element("td", {}, element("span", { class: "thumb" })),
    element("td", { class: "what" }, element("span", { class: "name" }, file.name),
      element("progress", { max: "1", value: "0", "aria-label": "Upload of " + file.name })),
    element("td", {}, element("span", { class: "state uploading" }, "queued")),
    element("td", { class: "age" }),
    element("td", { class: "do" }));
  body.prepend(row);
  $("empty").hidden = true;
  return row;
}

function refuse(row, file, text) {
  row.dataset.state = "failed";
  const state = row.querySelector(".state");
  state.className = "state failed";
  state.textContent = "refused";
  row.querySelector("progress").replaceWith(element("span", { class: "bad" }, text));
  row.querySelector(".do").replaceChildren(button("Dismiss", file.name, () => { row.remove(); picker.focus(); }));
  say(`${file.name}: ${text}`);
}

function reason(request) {
  try { return JSON.parse(request.responseText).detail || request.statusText; }
  catch { return request.statusText || "the upload failed"; }
}

function taken(row, request) {
  const job = JSON.parse(request.responseText);
  const known = rowOf(job.id);  // its event may have been quicker than the reply
  if (known) { row.remove(); return; }
  row.dataset.id = job.id;
  fill(row, { submitted_at: new Date().toISOString(), ...job });
  row.remove();
  place(row);
}

// What the form asks of an image, when it is added: a preset, or a size and a format.
function wished() {
  const preset = $("preset") ? $("preset").value : "";
  return preset ? { preset } : { size: $("size").value, format: $("format").value };
}

function upload({ file, row, wishes }) {
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ filename: file.name, ...wishes });
  const done = () => { --uploading; next(); };
  request.open("POST", "/v1/jobs?" + query);
  row.querySelector(".do").replaceChildren(button("Cancel", file.name, () => request.abort()));
  row.querySelector(".state").textContent = words.uploading;
  request.upload.addEventListener("progress", (event) => {
    const bar = row.querySelector("progress");
    if (bar && event.lengthComputable) bar.value = event.loaded / event.total;
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
  while (uploading < kUploadsAtOnce && queue.length > 0) {
    ++uploading;
    upload(queue.shift());
  }
}

function add(files) {
  for (const file of files) {
    const row = uploadRow(file);
    if (file.size === 0) refuse(row, file, "the file is empty");
    else if (file.size > Number(drop.dataset.max)) refuse(row, file, "the file is too large");
    else queue.push({ file, row, wishes: wished() });
  }
  next();
}

// ---- events

function number(id, value) {
  const shown = $(id);
  shown.textContent = value;
  shown.parentElement.classList.toggle("some", Number(value) > 0);
}

function counts(now) {
  number("n-waiting", now.jobs.staging + now.jobs.delayed);
  number("n-running", now.jobs.processing);
  number("n-done", now.jobs.completed);
  number("n-failed", now.jobs.failed);
  number("n-minute", now.completed_last_minute);
  oldest = now.oldest_waiting_since === null ? null : Date.parse(now.oldest_waiting_since);
  tick();
  const notice = $("notice");
  notice.hidden = now.spool_up && now.daemons > 0;
  notice.textContent = now.spool_up
    ? "No daemon is running: images are taken in and wait until imgqd is started."
    : "The spool cannot be read at the moment.";
}

function alive(yes) {
  $("live").hidden = false;
  $("live").classList.toggle("lost", !yes);
  $("live").querySelector("span").textContent = yes ? "live" : "reconnecting…";
}

// Where event streams are full or cut by a proxy: ask again and again.
async function poll() {
  try {
    const reply = await fetch("/v1/jobs?limit=" + kMostRows);
    for (const job of (await reply.json()).jobs.reverse()) show(job);
    alive(reply.ok);
  } catch { alive(false); }
}

function listen() {
  const source = new EventSource("/v1/events");
  let polling = null;
  source.addEventListener("open", () => { alive(true); clearInterval(polling); polling = null; });
  source.addEventListener("job", (event) => show(JSON.parse(event.data)));
  source.addEventListener("counts", (event) => counts(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    alive(false);
    if (polling === null) polling = setInterval(poll, 3000);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { clearInterval(polling); listen(); }, 10000);
  });
}

// ---- wiring

document.documentElement.classList.add("js");
picker.addEventListener("change", () => { add(picker.files); picker.value = ""; });
drop.addEventListener("click", (event) => {
  if (!event.target.closest("label, select, input")) picker.click();
});
drop.addEventListener("submit", (event) => event.preventDefault());
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
setInterval(tick, 1000);
listen();
