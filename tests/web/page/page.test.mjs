// The page as a person meets it: drops photographs, watches them finish, takes the results away.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, mkdirSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import axe from "axe-core";
import { chromium } from "playwright-core";

const here = path.dirname(new URL(import.meta.url).pathname);
const photos = path.join(here, "../../../samples/photos");
const names = ["dandelion.jpg", "mountains.jpg", "stream.jpg"];
const directory = mkdtempSync(path.join(tmpdir(), "imgq-page-"));
const shots = process.env.IMGQ_SCREENSHOTS || path.join(directory, "shots");
const spool = path.join(directory, "spool");
const idle = path.join(directory, "idle");  // a spool that no daemon works on
const bin = (name) => path.join(process.env.IMGQ_BIN, name);
const imgq = (...words) => execFileSync(bin("imgq"), words, { encoding: "utf8" }).trim();

let url, browser;
const programs = [];
process.env.XDG_STATE_HOME = path.join(directory, "state");

function start(name, ...options) {
  const program = spawn(bin(name), options, { stdio: ["ignore", "pipe", "inherit"] });
  programs.push(program);
  return program;
}

async function serve(spool, listen = "127.0.0.1:0") {
  const httpd = start("imgq-httpd", "--spool", spool, "--create", "--listen", listen);
  const [address] = await once(createInterface(httpd.stdout), "line");
  return { httpd, address };
}

before(async () => {
  mkdirSync(shots, { recursive: true });
  url = (await serve(spool)).address;
  start("imgqd", "--spool", spool, "--workers", "1");
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
  });
});

after(async () => {
  await browser?.close();
  for (const program of programs) {
    program.kill("SIGTERM");
    if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
  }
  rmSync(directory, { recursive: true, force: true });
});

// A page on which every complaint of the browser is a failure.
async function open(settings = {}, address = url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (line) => {
    // A refused upload is told by the browser too; anything else is not expected.
    if (line.type() === "error" && !/status of 415/.test(line.text())) page.complaints.push(line.text());
  });
  await page.goto(address);
  return page;
}

async function dropFiles(page, files) {
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, text } of list) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    }
    return transfer;
  }, files);
  await page.dispatchEvent("#drop", "dragenter", { dataTransfer: data });
  await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
}

// Asks until the page says yes. (Playwright's waitForFunction evaluates strings, which the page's
// policy forbids.)
async function until(question, what) {
  const deadline = Date.now() + 20000;
  while (!await question()) assert.ok(Date.now() < deadline, what);
}

const allLoaded = (page) => until(
  () => page.evaluate(() => [...document.images].every((i) => i.complete && i.naturalWidth > 0)),
  "every thumbnail is shown");

const file = (name, bytes) => ({ name, text: Buffer.from(bytes).toString("base64") });
const photo = (name) => file(name, readFileSync(path.join(photos, name)));
const row = (page, name) => page.locator("#jobs tr", { hasText: name });

function sizeOfJpeg(bytes) {
  assert.equal(bytes.readUInt16BE(0), 0xffd8);
  for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
  }
  assert.fail("no frame");
}

test("three photographs and a text are dropped: three finish, the text is told to be none", async () => {
  const page = await open();
  await page.waitForSelector("#empty:not([hidden])");
  await page.screenshot({ path: path.join(shots, "empty.png") });
  await dropFiles(page, [...names.map(photo), file("notes.txt", "no image at all")]);
  for (const name of names) {
    await row(page, name).locator(".state.completed").waitFor({ timeout: 60000 });
    assert.equal(await row(page, name).locator(".thumb img").count(), 1);
  }
  await allLoaded(page);
  const refused = row(page, "notes.txt");
  assert.match(await refused.locator(".bad").textContent(), /no image/);
  assert.equal(await refused.locator(".state").textContent(), "refused");
  await until(async () => await page.locator("#n-done").textContent() === "3", "three are counted");
  assert.equal(await page.locator("#n-waiting").textContent(), "0");
  await page.screenshot({ path: path.join(shots, "wide.png"), fullPage: true });

  const [download] = await Promise.all([
    page.waitForEvent("download"), row(page, "dandelion.jpg").getByText("Download").click(),
  ]);
  assert.equal(download.suggestedFilename(), "dandelion-thumb.jpg");
  const saved = path.join(directory, "thumb.jpg");
  await download.saveAs(saved);
  const size = sizeOfJpeg(readFileSync(saved));
  assert.equal(Math.max(size.width, size.height), 500);

  await refused.getByText("Dismiss").click();
  assert.equal(await refused.count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

// A PNG that is wider than the limit allows, as far as anybody looks.
function wideAsALake() {
  const bytes = Buffer.alloc(33);
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex").copy(bytes);
  bytes.writeUInt32BE(30000, 16);
  bytes.writeUInt32BE(10, 20);
  Buffer.from([8, 2, 0, 0, 0]).copy(bytes, 24);
  return bytes;
}

test("what fails tells its reason, and is offered again where that may help", async () => {
  const page = await open();
  const whole = readFileSync(path.join(photos, "fig.jpg"));
  await dropFiles(page, [file("damaged.jpg", whole.subarray(0, whole.length / 3)),
    file("lake.png", wideAsALake())]);
  for (const name of ["damaged.jpg", "lake.png"]) {
    await row(page, name).locator(".state.failed").waitFor({ timeout: 60000 });
    assert.notEqual(await row(page, name).locator(".bad").textContent(), "");
  }
  assert.equal(await row(page, "damaged.jpg").getByText("Try again").count(), 0);
  const moved = page.waitForResponse((reply) => reply.url().endsWith("/retry"));
  await row(page, "lake.png").getByText("Try again").click();
  assert.equal((await moved).status(), 303);
  await row(page, "lake.png").locator(".state.failed").waitFor({ timeout: 60000 });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a size and a format are chosen on the page", async () => {
  const page = await open();
  await page.selectOption("#size", "160x160");
  await page.selectOption("#format", "png");
  await dropFiles(page, [file("small.jpg", readFileSync(path.join(photos, "fig.jpg")))]);
  await row(page, "small.jpg").locator(".state.completed").waitFor({ timeout: 60000 });
  assert.match(await row(page, "small.jpg").locator(".note").textContent(), /^(160×\d+|\d+×160), /);
  const address = await row(page, "small.jpg").getByText("Download").getAttribute("href");
  const reply = await page.request.get(new URL(address, url).href);
  assert.equal(reply.headers()["content-type"], "image/png");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a phone shows everything without scrolling sideways", async () => {
  const page = await open({
    viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
  });
  await row(page, "stream.jpg").locator(".state.completed").waitFor({ timeout: 20000 });
  await allLoaded(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390));
  const target = await row(page, "stream.jpg").getByText("Download").boundingBox();
  assert.ok(target.height >= 36, "big enough for a finger");
  await page.screenshot({ path: path.join(shots, "phone.png"), fullPage: true });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("several results fit on a phone, and are told apart", async () => {
  const page = await open({ viewport: { width: 390, height: 844 } });
  const wide = (name, side) => ({ name, size: `${side}x${side}` });
  const renditions = JSON.stringify([wide("small", 100), wide("medium", 200), wide("as-large-as-it-is", 300)]);
  const reply = await page.request.post(new URL("/v1/jobs", url).href, {
    params: { filename: "many.jpg", renditions }, data: readFileSync(path.join(photos, "fig.jpg")),
  });
  assert.equal(reply.status(), 202);
  await row(page, "many.jpg").locator(".state.completed").waitFor({ timeout: 60000 });
  assert.equal((await row(page, "many.jpg").locator(".note").textContent()).split(" · ").length, 3);
  for (const link of await row(page, "many.jpg").locator(".do a").all()) {
    const { x, width } = await link.boundingBox();
    assert.ok(x >= 0 && x + width <= 390, `${x} + ${width}`);
  }
  await page.context().close();
});

test("what the server refuses or cannot hear is told where it is seen", async () => {
  const page = await open();
  const answers = [
    (route) => route.fulfill({ status: 409, json: { detail: "cannot retry the job: its state is completed" } }),
    (route) => route.abort(),
  ];
  await page.route("**/retry", (route) => answers.shift()(route));
  for (const words of [/its state is completed/, /cannot be reached/]) {
    await row(page, "lake.png").getByText("Try again").click();
    await page.locator("#said:not(.unseen)", { hasText: words }).waitFor({ timeout: 20000 });
    assert.ok((await page.locator("#said").boundingBox()).width > 100);
  }
  await page.context().close();
});

test("what others do is shown, and what has not changed is left alone", async () => {
  const page = await open();
  const kept = row(page, "stream.jpg");
  await kept.getByText("Download").focus();
  const before = await kept.locator(".thumb img").elementHandle();
  const job = imgq("submit", "--spool", spool, "--wait", path.join(photos, "fig.jpg"));
  const theirs = page.locator(`tr[data-id="${job}"]`);
  await theirs.locator(".state.completed").waitFor({ timeout: 60000 });
  imgq("purge", "--force", "--spool", spool, job);
  await theirs.waitFor({ state: "detached" });
  assert.ok(await before.evaluate((image) => image.isConnected), "the image is the same");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
    "Download: stream.jpg");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("behind a proxy that puts it under a path it works all the same", async () => {
  const proxy = createServer((asked, reply) => {
    if (!asked.url.startsWith("/pictures/imgq/")) return reply.writeHead(404).end();
    const { method, headers } = asked;
    const inner = request(new URL(asked.url.slice("/pictures/imgq".length), url), { method, headers });
    inner.on("response", (got) => got.pipe(reply.writeHead(got.statusCode, got.rawHeaders)));
    inner.on("error", () => reply.destroy());
    reply.on("close", () => inner.destroy());
    asked.pipe(inner);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const outside = `http://127.0.0.1:${proxy.address().port}/pictures/imgq/`;
  const page = await open({}, outside);
  await dropFiles(page, [file("proxied.jpg", readFileSync(path.join(photos, "fig.jpg")))]);
  await row(page, "proxied.jpg").locator(".state.completed").waitFor({ timeout: 60000 });
  await allLoaded(page);
  await page.locator("#live:not(.lost)").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"), row(page, "proxied.jpg").getByText("Download").click(),
  ]);
  assert.equal(download.suggestedFilename(), "proxied-thumb.jpg");
  await page.screenshot({ path: path.join(shots, "proxied.png"), fullPage: true });
  assert.deepEqual(page.complaints, []);
  await page.context().close();

  const plain = await open({ javaScriptEnabled: false }, outside);
  await plain.setInputFiles("#files", path.join(photos, "fig.jpg"));
  await plain.click("#send");
  await plain.getByText("1 image taken in.").waitFor();
  assert.ok(plain.url().startsWith(outside + "?taken=1"), plain.url());
  await plain.context().close();
  proxy.closeAllConnections();
  proxy.close();
});

test("many events are few fetches, one at a time", async () => {
  const page = await open();
  let under_way = 0, most = 0;
  await page.route(url, async (route) => {
    most = Math.max(most, ++under_way);
    const reply = await route.fetch();
    --under_way;
    await route.fulfill({ response: reply });
  });
  const many = Array.from({ length: 8 }, (_, i) => file(`event-${i}.jpg`, readFileSync(path.join(photos, "fig.jpg"))));
  await dropFiles(page, many);
  for (const { name } of many) {
    await row(page, name).locator(".state.completed").waitFor({ timeout: 60000 });
  }
  assert.equal(most, 1);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
});

test("where a proxy keeps events back, the page keeps up", async () => {
  const page = await open();
  await page.route("**/v1/events", () => {});
  await page.reload();
  await page.locator("#live", { hasText: "live" }).waitFor();
  const job = imgq("submit", "--spool", spool, path.join(photos, "fig.jpg"));
  await page.locator(`tr[data-id="${job}"] .state.completed`).waitFor({ timeout: 60000 });
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
});

test("a server that is killed is told, and followed again when it is back", async () => {
  const { httpd, address } = await serve(idle);
  const page = await open({}, address);
  await page.locator("#live", { hasText: "live" }).waitFor();
  httpd.kill("SIGKILL");
  await page.locator("#live.lost", { hasText: "reconnecting" }).waitFor();
  await dropFiles(page, [photo("stream.jpg")]);
  assert.equal(await row(page, "stream.jpg").locator(".bad").textContent(), "the server cannot be reached");
  await serve(idle, new URL(address).host);
  const job = imgq("submit", "--spool", idle, path.join(photos, "fig.jpg"));
  await page.locator(`tr[data-id="${job}"] .state.staging`).waitFor({ timeout: 60000 });
  await page.locator("#live:not(.lost)", { hasText: "live" }).waitFor();
  await dropFiles(page, [photo("mountains.jpg")]);
  await row(page, "mountains.jpg").locator(".state.staging").waitFor({ timeout: 60000 });
  await page.context().close();
});

test("what is asked of a job that has moved on changes nothing, and is told", async () => {
  const page = await open({}, (await serve(idle)).address);
  const jobs = ["fig.jpg", "stream.jpg"].map((name) => imgq("submit", "--spool", idle, path.join(photos, name)));
  const [gone, done] = jobs.map((id) => page.locator(`tr[data-id="${id}"]`));
  for (const shown of [gone, done]) await shown.locator(".state.staging").waitFor();
  await page.route(page.url(), (route) => route.abort());  // it sees no more of what others do
  execFileSync(bin("imgqd"), ["--drain", "--spool", idle], { stdio: "ignore" });
  imgq("purge", "--force", "--spool", idle, jobs[0]);
  for (const [shown, words] of [[gone, /no such job/], [done, /had moved on/]]) {
    await shown.getByText("Cancel").click();
    await page.locator("#said:not(.unseen)", { hasText: words }).waitFor();
  }
  await done.locator(".state.completed").waitFor();
  assert.equal(await gone.count(), 0);
  await page.context().close();
});

test("an upload can be cancelled until its job is shown", async () => {
  const page = await open({}, (await serve(idle)).address);
  await page.route(page.url(), (route) => route.abort());
  await dropFiles(page, [photo("dandelion.jpg")]);
  const uploaded = page.locator("tr[data-state=uploading]", { hasText: "uploaded" });
  await uploaded.getByText("Cancel").focus();
  await page.keyboard.press("Enter");
  await page.locator("tr[data-state=cancelled]", { hasText: "dandelion.jpg" }).first().waitFor();
  assert.equal(await uploaded.count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "files");
  await page.context().close();
});

test("the dark scheme is followed", async () => {
  const page = await open({ colorScheme: "dark" });
  await row(page, "stream.jpg").locator(".state.completed").waitFor({ timeout: 20000 });
  await allLoaded(page);
  await page.screenshot({ path: path.join(shots, "dark.png"), fullPage: true });
  await page.context().close();
});

// What axe objects to in the page as it stands, with done and failed jobs in it.
async function objections(script, settings) {
  // bypassCSP: axe is a script that the page's own policy would not let in.
  const page = await open({ bypassCSP: true, ...settings });
  if (script === "none") {
    await page.route("**/page.js", (route) => route.abort());
    await page.reload();
  }
  await row(page, "stream.jpg").locator("a.thumb").waitFor({ timeout: 20000 });
  assert.equal(await row(page, "lake.png").locator(".state.failed").count(), 1);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run());
  await page.context().close();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

test("axe has nothing to object to", async () => {
  assert.deepEqual(await objections("ours", {}), []);
  assert.deepEqual(await objections("ours", { colorScheme: "dark" }), []);
  assert.deepEqual(await objections("ours", { viewport: { width: 390, height: 844 } }), []);
  assert.deepEqual(await objections("none", {}), []);
});

test("the keyboard is enough", async () => {
  const page = await open();
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const choosing = page.waitForEvent("filechooser");  // first: the browser takes a while to heed it
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "files");
  await page.keyboard.press("Space");
  await (await choosing).setFiles({
    name: "by-keyboard.jpg", mimeType: "image/jpeg", buffer: readFileSync(path.join(photos, "fig.jpg")),
  });
  await row(page, "by-keyboard.jpg").locator(".state.completed").waitFor({ timeout: 60000 });
  const seen = [];
  for (let i = 0; i < 6 && !seen.includes("Download"); ++i) {
    await page.keyboard.press("Tab");
    seen.push(await focused());
  }
  assert.ok(seen.includes("Download"), String(seen));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("without a script it is a form and a table", async () => {
  const page = await open({ javaScriptEnabled: false });
  await page.setInputFiles("#files", [
    path.join(photos, "dogs-sideways.jpg"), path.join(here, "package.json"),
  ]);
  await page.selectOption("#size", "320x320");
  await page.getByRole("button", { name: "Upload" }).click();
  await page.waitForURL(/taken=1&refused=1/);
  assert.match(await page.locator("#notice").textContent(), /1 image taken in, 1 file refused/);
  assert.equal(await page.locator("#size").inputValue(), "320x320");
  await page.screenshot({ path: path.join(shots, "no-script.png"), fullPage: true });
  let state;
  const deadline = Date.now() + 60000;
  do {
    await page.goto(url);
    state = await row(page, "dogs-sideways.jpg").first().locator(".state").textContent();
  } while (state !== "done" && Date.now() < deadline);
  assert.equal(state, "done");
  const note = row(page, "dogs-sideways.jpg").first().locator(".note");
  assert.match(await note.textContent(), /^(320×\d+|\d+×320), /);
  await page.context().close();
});

test("uploads show their progress and can be cancelled", async () => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.emulateNetworkConditions", {
    offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 40 * 1024,
  });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const large = readFileSync(path.join(photos, "mountains.jpg"));
  await dropFiles(page, [1, 2, 3, 4].map((number) => file(`upload-${number}.jpg`, large)));
  const progress = () => page.evaluate(() => Math.max(...Array.from(document.querySelectorAll("progress"), (bar) => bar.value)));
  while (await progress() === 0) assert.equal(await row(page, "upload-1.jpg").count(), 1, "still on its way");
  assert.ok(await progress() < 1);
  assert.equal(await row(page, "upload-4.jpg").locator(".state").textContent(), "queued");
  await page.screenshot({ path: path.join(shots, "uploading.png") });
  for (const number of [4, 3, 2, 1]) {
    const upload = row(page, `upload-${number}.jpg`);
    await upload.getByText("Cancel").click();
    await upload.waitFor({ state: "detached" });
  }
  assert.equal(asked.filter((address) => address.includes("upload-")).length, 3);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
