// SPDX-License-Identifier: Apache-2.0

import { gzipSync } from "node:zlib";

import type { Plugin } from "vite";

const limit = 300 * 1024; // bytes, everything gzipped

/** Fails a build whose scripts and styles have grown beyond what a first page may weigh. */
export function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    writeBundle(_, bundle) {
      let total = 0;
      let largest = { name: "", size: 0 };
      for (const [name, file] of Object.entries(bundle)) {
        const size = gzipSync(file.type === "chunk" ? file.code : file.source).length;
        total += size;
        if (size > largest.size) largest = { name, size };
      }
      const kilobytes = (size: number) => `${(size / 1024).toFixed(1)} KiB`;
      const report = `${kilobytes(total)} gzipped of at most ${kilobytes(limit)}; the largest file is ${largest.name} with ${kilobytes(largest.size)}`;
      if (total > limit) throw new Error(`the page is too big: ${report}`);
      console.log(`budget: ${report}`);
    },
  };
}
