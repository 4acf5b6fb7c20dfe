// Unpacks the Chromium of @sparticuz/chromium into the folder that is named, with the libraries and
// fonts that a small machine lacks, and a script beside it that starts it with them.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const [folder] = process.argv.slice(2);
const into = resolve(folder, "unpacked");
const packed = resolve(folder, "node_modules/@sparticuz/chromium/bin");
const unpack = (name) => brotliDecompressSync(readFileSync(join(packed, name)));

mkdirSync(into, { recursive: true });
writeFileSync(join(into, "chromium"), unpack("chromium.br"), { mode: 0o755 });
for (const name of ["al2023.tar.br", "fonts.tar.br"]) {
  execFileSync("tar", ["-x", "--no-same-owner", "-C", into], { input: unpack(name) });
}
// The package's own list of font folders is Lambda's.
const fonts = ["/usr/share/fonts", join(into, "fonts")].map((font) => `<dir>${font}</dir>`).join("");
const cache = `<cachedir>${join(into, "fonts-cache")}</cachedir>`;
writeFileSync(join(into, "fonts.conf"), `<?xml version="1.0"?>\n<fontconfig>${fonts}${cache}</fontconfig>\n`);

const start = join(resolve(folder), "chromium");
writeFileSync(start, `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/unpacked
export LD_LIBRARY_PATH="$here/lib"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
`);
chmodSync(start, 0o755);
