// SPDX-License-Identifier: Apache-2.0

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { budget } from "./budget.ts";

// During development the page is served by Vite and everything else by a
// running gateway.
const gateway = process.env.HYDRA_URL ?? "http://127.0.0.1:7070";

export default defineConfig({
  plugins: [react(), budget()],
  build: {
    outDir: "../services/gateway/ui/dist",
    emptyOutDir: true,
    assetsInlineLimit: 0, // no data: URLs, so that the page's CSP can be strict
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(["/api", "/openapi.json", "/livez", "/readyz"].map((path) => [path, gateway])),
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
