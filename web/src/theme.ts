// SPDX-License-Identifier: Apache-2.0

import { createTheme, Drawer, type MantineColorsTuple, Modal } from "@mantine/core";

// Shade 7 carries white text with a contrast of 5.3:1, shade 3 is readable on
// a dark ground.
const hydra: MantineColorsTuple = [
  "#e4f6f4",
  "#c9ebe8",
  "#98d8d2",
  "#5fc3bb",
  "#36ada5",
  "#1e9a92",
  "#10877f",
  "#0b746d",
  "#075e59",
  "#034743",
];

// A dark ground with the accent's hue, so that controls do not look foreign on it.
const dark: MantineColorsTuple = [
  "#dfe9e8",
  "#b9c8c6",
  "#9db0ae",
  "#71868a",
  "#3a4b4a",
  "#2c3b3a",
  "#1a2524",
  "#162020",
  "#111919",
  "#0b1111",
];

const raised = { styles: { content: { background: "var(--surface)" }, header: { background: "var(--surface)" } } };

export const theme = createTheme({
  primaryColor: "hydra",
  primaryShade: { light: 7, dark: 6 },
  colors: { hydra, dark },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'JetBrains Mono', Menlo, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
  components: { Modal: Modal.extend(raised), Drawer: Drawer.extend(raised) },
});
