// One photograph through the page at an address, of which any host is this machine: it is uploaded, done,
// and its thumbnail shown.  node through-proxy.mjs ADDRESS PHOTO SCREENSHOT
import assert from "node:assert/strict";
import path from "node:path";
import { chromium } from "playwright-core";

const [address, photo, screenshot] = process.argv.slice(2);
const host = new URL(address).hostname;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP ${host} 127.0.0.1`],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
try {
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  await page.goto(address);
  await page.setInputFiles("#files", photo);
  const row = page.locator("tr", { hasText: path.basename(photo) }).first();
  await row.locator(".state.completed").waitFor({ timeout: 60000 });
  const image = row.locator(".thumb img");
  await image.scrollIntoViewIfNeeded();
  const deadline = Date.now() + 20000;
  while (await image.evaluate((shown) => shown.naturalWidth) === 0) {
    assert.ok(Date.now() < deadline, "the thumbnail is shown");
  }
  const link = await row.getByText("Download").getAttribute("href");
  assert.ok(new URL(link, page.url()).pathname.startsWith(new URL(address).pathname), link);
  assert.deepEqual(complaints, []);
} finally {
  await page.screenshot({ path: screenshot });
  await browser.close();
}
