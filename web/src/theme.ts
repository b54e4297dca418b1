// SPDX-License-Identifier: Apache-2.0

import { createTheme, type MantineColorsTuple } from "@mantine/core";

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

export const theme = createTheme({
  primaryColor: "hydra",
  primaryShade: { light: 7, dark: 6 },
  colors: { hydra },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'JetBrains Mono', Menlo, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
});
