// SPDX-License-Identifier: Apache-2.0

import { Text, Tooltip } from "@mantine/core";
import { Fragment, type ReactNode } from "react";

import { duration } from "../format/format";
import { type Journey, stageDurations, stages, type Step } from "./journey";

interface WaterfallProps {
  journey: Journey;
  selected?: string | undefined;
  onSelect: (step: Step) => void;
}

/** Every step of a journey as a bar or a mark on one axis of time. */
export function Waterfall({ journey, selected, onSelect }: WaterfallProps) {
  const span = Math.max(1, journey.total, ...journey.steps.map((s) => s.end)) * 1.03;
  const tick = niceTick(span);
  const durations = stageDurations(journey);
  const track = { "--tick": `${(tick / span) * 100}%` } as React.CSSProperties;
  return (
    <section className="panel" aria-label="Waterfall" style={{ overflow: "hidden" }}>
      <div className="waterfall">
        <div className="axis-name">stage</div>
        <div />
        <div className="axis" aria-hidden>
          {Array.from({ length: Math.floor(span / tick) + 1 }, (_, i) => i * tick)
            .filter((at) => at / span < 0.95)
            .map((at) => (
              <span key={at} style={{ left: `${(at / span) * 100}%` }}>
                {at === 0 ? "0" : duration(at)}
              </span>
            ))}
        </div>
        <div />
        {stages.map((stage) => {
          const steps = journey.steps.filter((s) => s.stage === stage);
          if (steps.length === 0) return null;
          return (
            <Fragment key={stage}>
              <div
                className="waterfall-stage"
                style={{ gridRow: `span ${steps.length + steps.filter((s) => s.reason).length}` }}
              >
                <div>{stage}</div>
                {steps.length > 1 && durations[stage] > 0 && (
                  <div className="waterfall-total">{duration(durations[stage])}</div>
                )}
              </div>
              {steps.map((step) => (
                <Row key={step.id} step={step} first={step === steps[0]}>
                  <div className="track" data-first={step === steps[0]} style={track}>
                    <Bar step={step} span={span} selected={selected === step.id} onSelect={() => onSelect(step)} />
                  </div>
                </Row>
              ))}
            </Fragment>
          );
        })}
      </div>
    </section>
  );
}

function Row({ step, first, children }: { step: Step; first: boolean; children: ReactNode }) {
  const moment = step.end === step.start && !step.open;
  return (
    <>
      <div className="waterfall-label" data-first={first}>
        {step.label}
      </div>
      {children}
      <div className="waterfall-value" data-first={first}>
        {moment ? `at ${duration(step.start)}` : `${duration(step.end - step.start)}${step.open ? " …" : ""}`}
      </div>
      {step.reason && <div className="waterfall-reason">{step.reason}</div>}
    </>
  );
}

interface BarProps {
  step: Step;
  span: number;
  selected: boolean;
  onSelect: () => void;
}

function Bar({ step, span, selected, onSelect }: BarProps) {
  const moment = step.end === step.start && !step.open;
  const took = moment
    ? `after ${duration(step.start)}`
    : `from ${duration(step.start)} to ${duration(step.end)}${step.open ? ", still running" : ""}`;
  return (
    <Tooltip label={<Text size="sm">{`${step.label}: ${took}`}</Text>} withArrow>
      <button
        type="button"
        className="bar"
        data-tone={step.tone}
        data-moment={moment}
        data-open={step.open}
        aria-label={`${step.label}, ${took}. Show its events`}
        aria-expanded={selected}
        onClick={onSelect}
        style={{
          left: `${(step.start / span) * 100}%`,
          ...(moment ? {} : { width: `${((step.end - step.start) / span) * 100}%` }),
        }}
      />
    </Tooltip>
  );
}

/** A round distance between marks, so that there are four to eight of them. */
export function niceTick(span: number): number {
  const nice = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5,
    216e5, 864e5,
  ];
  return nice.find((tick) => span / tick <= 8) ?? Math.ceil(span / 8 / 864e5) * 864e5;
}
