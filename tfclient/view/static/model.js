// A session document, indexed: steps by id, what came of what, what failed, what each step says.

import { kind } from "./kinds.js";

const TOOL_ANSWERS = new Set(["tool_output", "tool_error"]);
const SNAPSHOTS = new Set(["policy.snapshot", "tool.schemas.snapshot", "context.snapshot"]);
const OPEN = new Set(["in_progress", "queued"]);

/** A payload value as text: a blob by its preview, what was cut with a mark, other values as JSON. */
export function asText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (isCut(value) || isBlob(value)) {
    const text = String(value.text ?? value.preview ?? `[${value.media_type}, ${value.bytes} bytes]`);
    return isCut(value) ? `${text}… [cut]` : text;
  }
  return JSON.stringify(value);
}

export function isBlob(value) {
  return typeof value === "object" && value !== null && typeof value.blob === "string" && "bytes" in value;
}

/** Whether only the beginning of a value was kept: as text in its place, or in a blob. */
export function isCut(value) {
  return typeof value?.truncated?.sha256 === "string" && "media_type" in value && (isBlob(value) || typeof value.text === "string");
}

/** What a step says, as a value that may be long or structured. */
export function saidBy(step) {
  const began = step.payload_started ?? {};
  const ended = step.payload_completed ?? {};
  switch (step.label) {
    case "user_message":
    case "policy.snapshot":
      return began.text;
    case "tool.schemas.snapshot":
      return (began.names ?? []).map(asText).join(", ");
    case "context.snapshot":
      return began.preview;
    case "assistant_call":
      return step.error?.message ?? ended.text;
    case "tool_call":
    case "approval_request":
      return began.arguments;
    case "tool_output":
      return ended.output;
    case "tool_error":
      return step.error?.message || ended.output;
    case "reasoning":
      return ended.text || (ended.encrypted ? `[encrypted, ${asText(ended.encrypted.bytes)} bytes]` : "");
    case "assistant_message":
      return ended.text || ended.refusal;
    case "approval_response":
      return ended.approve === true ? "approved" : ended.approve === false ? "denied" : ended;
    default: {
      const payload = Object.keys(ended).length ? ended : began;
      return payload.text ?? (Object.keys(payload).length ? payload : "");
    }
  }
}

/** The pictures, files and sounds that came with a prompt, where they are kept. */
export function mediaOf(step) {
  const content = step.label === "user_message" ? step.payload_started?.content : null;
  const parts = Array.isArray(content) ? content.filter((part) => typeof part === "object" && part !== null && !("text" in part)) : [];
  return parts.flatMap((part) => [part, ...Object.values(part)]).flatMap((each) => (typeof each === "object" && each !== null && !isBlob(each) ? Object.values(each) : [])).filter((value, n, all) => isBlob(value) && all.indexOf(value) === n);
}

export class Model {
  constructor(session) {
    this.session = session;
    this.runs = session.runs ?? [];
    this.steps = [];
    this.byId = new Map();
    this.children = new Map();
    this.runOf = new Map();
    for (const run of this.runs) {
      for (const step of run.steps ?? []) {
        this.steps.push(step);
        this.byId.set(step.step_id, step);
        this.runOf.set(step.step_id, run);
      }
    }
    for (const step of this.steps) {
      for (const id of this.parentsOf(step)) {
        if (!this.children.has(id)) this.children.set(id, []);
        this.children.get(id).push(step.step_id);
      }
    }
    this.failed = this.steps.filter((step) => this.isFailure(step));
    this.troubled = this.steps.filter((step) => step.status === "unresolved" || step.status === "incomplete");
    this.words = new Map();
  }

  parentsOf(step) {
    const ids = step.depends_on ?? [];
    return [...new Set(Array.isArray(ids) ? ids : [ids])].filter((id) => id !== step.step_id);
  }

  childrenOf(step) {
    return this.children.get(step.step_id) ?? [];
  }

  /** Whether it went wrong here, and not in a step of its own that follows. */
  isFailure(step) {
    if (step.label === "tool_error") return true;
    // Its response came whole, and the program got an exception all the same.
    if (step.label !== "tool_call" && step.error && ["completed", "incomplete"].includes(step.status)) return true;
    return step.status === "failed" && !(step.label === "tool_call" && this.answerOf(step)?.label === "tool_error");
  }

  isOpen(step) {
    return OPEN.has(step.status);
  }

  isSnapshot(step) {
    return SNAPSHOTS.has(step.label);
  }

  /** The output or error that answers a tool call. */
  answerOf(step) {
    return this.childrenOf(step).map((id) => this.byId.get(id)).find((child) => TOOL_ANSWERS.has(child.label));
  }

  /** The call that an output or error answers. */
  callOf(step) {
    return this.parentsOf(step).map((id) => this.byId.get(id)).find((parent) => parent?.label === "tool_call");
  }

  toolName(step) {
    return step.tool_name ?? asText(step.payload_started?.name) ?? this.callOf(step)?.tool_name ?? "";
  }

  /** A tool's or model's name, where a step has one. */
  nameOf(step) {
    if (step.label === "assistant_call") return step.model ?? asText(step.payload_started?.model);
    if (step.label.startsWith("tool_") || step.label.startsWith("approval_")) {
      return this.toolName(step) || (TOOL_ANSWERS.has(step.label) ? (this.callOf(step)?.tool_name ?? "") : "");
    }
    return step.label === "generic" ? step.type.replace(/^(api|annotation)\./, "") : "";
  }

  textOf(step) {
    return asText(saidBy(step));
  }

  numberOf(step) {
    return /^step_\d+_(\d+)$/.exec(step.step_id)?.[1] ?? String(step.seq);
  }

  runNumber(run) {
    return /^run_(\d+)$/.exec(run.run_id)?.[1] ?? String(this.runs.indexOf(run) + 1);
  }

  /** How deep a step stands below its run's prompt: what a model call asked for, and what answered that. */
  depthOf(step) {
    if (TOOL_ANSWERS.has(step.label) || step.label === "approval_response") return 2;
    return ["reasoning", "tool_call", "assistant_message", "approval_request"].includes(step.label) ? 1 : 0;
  }

  /** All that can be searched of a step, in lower case; kept, for searching is done at every key. */
  wordsOf(step) {
    let words = this.words.get(step.step_id);
    if (words === undefined) {
      const payloads = JSON.stringify([step.payload_started, step.payload_completed, step.error]);
      words = [step.step_id, kind(step).words, step.status, this.nameOf(step), step.response_id, step.call_id, this.textOf(step), payloads]
        .join("\n")
        .toLowerCase();
      this.words.set(step.step_id, words);
    }
    return words;
  }

  /** What tells whether a step looks the same as before: cheap enough to ask of every step at every update. */
  static signature(step) {
    return `${step.status}|${step.sha256 ?? ""}|${step.duration_ms ?? ""}|${JSON.stringify(step.payload_completed).length}|${step.attempts?.length ?? 0}`;
  }
}
