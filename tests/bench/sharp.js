// sharp.js LANES OUT <images: their thumbnails by sharp, so many images at a time, one thread each.
const fs = require('fs');
const path = require('path');
const sharp = require('sharp');

const [lanes, out] = process.argv.slice(2);
const images = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean);
sharp.concurrency(1);
sharp.cache(false);

async function lane() {
  for (let image = images.shift(); image; image = images.shift()) {
    await sharp(image).rotate().resize(500, 500, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 80, optimiseCoding: false }).toFile(path.join(out, `${path.parse(image).name}.jpg`));
  }
}
Promise.all(Array.from({ length: Number(lanes) }, lane));
