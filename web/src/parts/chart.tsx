// SPDX-License-Identifier: Apache-2.0

import "uplot/dist/uPlot.min.css";

import { Box, Group, Text, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import UPlot from "uplot";

const height = 128;

// Distances between marks of the vertical axis, other than uPlot's decimal ones.
const distances = {
  decimal: {},
  count: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
  binary: { incrs: Array.from({ length: 44 }, (_, i) => 2 ** i) },
};

export interface Point {
  at: number; // ms since the epoch
  value: number;
}

interface ChartProps {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
  /** Counts are whole and change in steps; binary scales have marks at powers of two. */
  scale?: "decimal" | "count" | "binary";
  color?: "good" | "bad" | "busy" | "plain";
}

/** One metric over time. Charts of one page share their crosshair. */
export default function Chart({ title, points, format, scale = "decimal", color = "good" }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const value = useRef<HTMLParagraphElement>(null);
  const scheme = useComputedColorScheme("light");
  const latest = points.at(-1);

  useEffect(() => {
    const element = box.current;
    if (!element || points.length === 0) return;
    const css = getComputedStyle(document.documentElement);
    const pick = (name: string) => css.getPropertyValue(name).trim();
    const line = pick(`--${color}`);
    const axis = {
      stroke: pick("--muted"),
      grid: { stroke: pick("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui",
    };
    const stepped = scale === "count" && UPlot.paths.stepped ? { paths: UPlot.paths.stepped({ align: 1 }) } : {};
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        padding: [10, 6, 0, 0],
        cursor: { sync: { key: "metrics" }, points: { size: 7 }, y: false, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
        axes: [
          { ...axis, size: 26, space: 70, values: (_, at) => at.map((s) => hourAndMinute.format(s * 1000)) },
          { ...axis, size: 58, space: 34, values: (_, at) => at.map(format), ...distances[scale] },
        ],
        series: [
          {},
          {
            stroke: line,
            fill: `color-mix(in srgb, ${line} 13%, transparent)`,
            width: 1.75,
            points: { show: points.length < 3 },
            spanGaps: true,
            ...stepped,
          },
        ],
        hooks: {
          setCursor: [
            (u) => {
              const index = u.cursor.idx;
              const at = index == null ? undefined : points[index];
              const shown = at ?? points.at(-1);
              if (value.current && shown) value.current.textContent = format(shown.value);
            },
          ],
        },
      },
      [points.map((p) => p.at / 1000), points.map((p) => p.value)],
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [points, format, scale, color, scheme]);

  return (
    <Box component="figure" className="panel" m={0} p="md" pb="xs">
      <Group component="figcaption" justify="space-between" mb={4} wrap="nowrap">
        <Text fw={600} fz={14}>
          {title}
        </Text>
        <Text fw={650} fz={17} span ref={value}>
          {latest ? format(latest.value) : "–"}
        </Text>
      </Group>
      {points.length === 0 ? (
        <Text c="dimmed" fz={14} h={height}>
          No measurement yet.
        </Text>
      ) : (
        <div ref={box} className="chart" role="img" aria-label={describe(title, points, format)} />
      )}
    </Box>
  );
}

const hourAndMinute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** What a chart shows, for those who cannot see it. */
function describe(title: string, points: readonly Point[], format: (value: number) => string): string {
  const values = points.map((p) => p.value);
  return `${title}: now ${format(values.at(-1) ?? 0)}, lowest ${format(Math.min(...values))}, highest ${format(Math.max(...values))}`;
}
