// The step panel: what a step was given, what came out, how it went, and what it hangs together with.

import { announce, button, copy, el, fill, visible } from "./dom.js";
import { curlOf, isRequest } from "./curl.js";
import { clock, counted, duration, joined, number, oneLine } from "./format.js";
import { kind, statusWord } from "./kinds.js";
import { asText, Model, saidBy } from "./model.js";
import { facts, overview, section, stepLink } from "./overview.js";
import { outputsOf, promptOf } from "./prompt.js";
import { treeView, valueView } from "./values.js";

const CHILDREN = 12;

export class Panel {
  constructor({ select, close }) {
    this.select = select;
    this.close = close;
    this.element = el("aside", { class: "panel", "aria-label": "Step" });
  }

  update(model, stepId) {
    const step = model.byId.get(stepId);
    const known = step ? `${stepId}|${Model.signature(step)}|${model.childrenOf(step).length}` : `session|${model.steps.length}|${model.session.status}`;
    if (known === this.known) return;
    const scroll = this.stepId === stepId ? this.element.scrollTop : 0;
    const focused = this.element.contains(document.activeElement);
    this.known = known;
    this.stepId = stepId;
    fill(this.element, ...(step ? this.step(model, step) : overview(model, { select: this.select })));
    this.element.scrollTop = scroll;
    if (focused) this.focus();
  }

  focus() {
    this.element.querySelector(".panel-title")?.focus();
  }

  has(element) {
    return this.element.contains(element);
  }

  step(model, step) {
    return [this.head(model, step), this.error(step), ...this.body(model, step), this.figures(step), this.links(model, step), this.marks(step), this.raw(step)];
  }

  head(model, step) {
    const { words, look } = kind(step);
    const failed = model.isFailure(step);
    const run = model.runOf.get(step.step_id);
    return el("header", { class: `panel-head k-${failed ? "error" : look}` },
      el("div", { class: "panel-line" }, el("span", { class: "tag big", text: words }), status(step), el("span", { class: "grow" }), button("✕", this.close, { class: "plain", "aria-label": "Close the step" })),
      el("h2", { class: "panel-title", tabindex: "-1", dir: "auto", text: visible(oneLine(model.nameOf(step) || words.toLowerCase(), 80)) }),
      el("p", { class: "quiet mono" }, joined(step.step_id, `run ${model.runNumber(run)}`, `step ${model.numberOf(step)}`, step.duration_ms ? `${step.timing === "inferred" ? "~" : ""}${duration(step.duration_ms)}` : "")),
      el("div", { class: "panel-tools" },
        button("Copy JSON", () => copy(JSON.stringify(step, null, 2), "JSON"), { class: "mini" }),
        isRequest(step) ? button("Copy curl", () => curlOf(model.session.session_id, step).then((command) => copy(command, "curl, without the key,"), (error) => announce(error.message)), { class: "mini", title: "The request; the key is read from $OPENAI_API_KEY" }) : null,
        button("Copy text", () => copy(asText(saidBy(step)), "Text"), { class: "mini" })));
  }

  error(step) {
    if (!step.error && !step.payload_completed?.evidence) return null;
    const { class: kindOfError, code, http_status: http, message } = step.error ?? {};
    return el("section", { class: "part error-box", role: "group", "aria-label": "Error" },
      el("h3", { text: joined(kindOfError ? `${kindOfError.replaceAll("_", " ")} error` : "error", http ? `HTTP ${http}` : "", code) }),
      message ? valueView(message) : null,
      step.payload_completed?.evidence ? el("p", { class: "quiet", text: `known by: ${visible(asText(step.payload_completed.evidence))}` }) : null);
  }

  body(model, step) {
    const began = step.payload_started ?? {};
    const ended = step.payload_completed ?? {};
    switch (step.label) {
      case "assistant_call":
        return [this.attempts(step), this.output(model, step), this.prompt(model, step), section("Arguments", treeView(began.arguments ?? {}, { depth: 1 }))];
      case "tool_call": {
        const answer = model.answerOf(step);
        return [
          section("Arguments", began.arguments_invalid ? el("p", { class: "told", text: "The model sent arguments that are not JSON." }) : null, valueView(began.arguments ?? "")),
          answer
            ? section(answer.label === "tool_error" ? "Error" : "Output", valueView(saidBy(answer) ?? ""), stepLink(model, answer.step_id, this.select))
            : section("Output", el("p", { class: step.status === "unresolved" ? "told" : "quiet", text: step.status === "unresolved" ? "Nobody answered this call." : "No output was recorded." })),
        ];
      }
      case "tool_output":
      case "tool_error": {
        const call = model.callOf(step);
        return [
          ended.output !== undefined && ended.output !== step.error?.message ? section("Output", valueView(ended.output)) : null,
          ended.traceback ? section("Traceback", valueView(asText(ended.traceback))) : null,
          call ? section("Arguments", valueView(call.payload_started?.arguments ?? "")) : null,
        ];
      }
      case "tool.schemas.snapshot":
        return [section(counted(Number(began.count ?? 0), "tool"), treeView(began.tools ?? began.names ?? [], { depth: 1 }))];
      case "context.snapshot":
        return [section(`${counted(Number(began.count ?? 0), "item")} sent, never recorded`, treeView(began.items ?? began.preview ?? "", { depth: 1 }))];
      case "user_message":
        return [section("Prompt", valueView(began.text ?? "")), Array.isArray(began.content) ? section("Parts", treeView(began.content, { depth: 2 })) : null];
      case "policy.snapshot":
        return [section(joined("Instructions", began.version ? `version ${asText(began.version)}` : "", began.length ? `${number(Number(began.length))} characters` : ""), valueView(began.text ?? ""))];
      default:
        return [section("Text", valueView(saidBy(step) ?? ""))];
    }
  }

  attempts(step) {
    if ((step.attempts?.length ?? 0) < 2) return null;
    const rows = step.attempts.map((each) => el("tr", { class: each.error || each.status_code >= 400 ? "bad" : "" },
      el("td", { class: "figure", text: each.n }), el("td", { text: joined(each.status_code, each.error && oneLine(visible(each.error), 90)) || "no answer" }),
      el("td", { class: "figure", text: duration(each.duration_ms) }), el("td", { class: "mono", text: joined(each.retry_after && `after ${each.retry_after}`, each.request_id) })));
    return section(`${counted(step.attempts.length, "attempt")}`, el("table", {}, el("tbody", {}, ...rows)));
  }

  output(model, step) {
    const ended = step.payload_completed ?? {};
    const outputs = outputsOf(model, step);
    const shown = outputs.map((each) => el("div", { class: `prompt-part k-${kind(each).look}` }, stepLink(model, each.step_id, this.select), each.label === "assistant_message" || each.label === "tool_call" ? valueView(saidBy(each) ?? "") : null));
    if (!shown.length && ended.text) shown.push(valueView(ended.text));
    if (!shown.length && ended.body !== undefined) shown.push(valueView(ended.body));
    return section("Output", ...(shown.length ? shown : [el("p", { class: "quiet", text: model.isOpen(step) ? "Still answering…" : "No output." })]));
  }

  prompt(model, step) {
    const { fixed, history, own, missing } = promptOf(model, step);
    const length = [...fixed, ...history, ...own].reduce((sum, part) => sum + lengthOf(part), 0);
    const part = ({ step: each, item, notes }, { open = false, isNew = false } = {}) => {
      const { words, look } = each ? kind(each) : { words: asText(item?.type ?? "item").toUpperCase(), look: "other" };
      const text = each ? model.textOf(each) : asText(item);
      const body = el("div", { class: "prompt-body" });
      const details = el("details", { class: `prompt-part k-${look}` },
        el("summary", {}, el("span", { class: "tag", text: words }), each ? el("b", { text: visible(oneLine(model.nameOf(each), 30)) }) : null, " ", el("span", { class: "link-text", dir: "auto", text: visible(oneLine(text, 70)) }), isNew ? el("span", { class: "new", text: "new" }) : null, el("span", { class: "o-time", text: `${number(lengthOf({ step: each, item }))} ch` })), body);
      const make = () => body.childElementCount || body.append(valueView(each ? promptValue(each) : item), notes ? el("p", { class: "quiet", text: visible(notes) }) : "", each ? button(`Open ${each.step_id}`, () => this.select(each.step_id, { push: true }), { class: "mini" }) : "");
      details.addEventListener("toggle", () => details.open && make());
      if (open) {
        make();
        details.open = true;
      }
      return details;
    };
    const box = el("div");
    if (history.length > 3) {
      const all = button(`Show ${counted(history.length, "item")} from before`, () => all.replaceWith(...history.map((each) => part(each))), { class: "mini history" });
      box.append(all);
    } else box.append(...history.map((each) => part(each)));
    return section(`Prompt as the model saw it · ${number(length)} characters`,
      ...fixed.map((each) => part(each)),
      ...missing.map((id) => el("p", { class: "told", text: `What came before, ${visible(id)}, is not recorded in this session.` })),
      box,
      ...own.map((each) => part(each, { open: own.length < 4, isNew: true })));
  }

  figures(step) {
    const usage = step.usage;
    const latency = step.latency ?? {};
    return section("Facts", facts([
      ["status", joined(step.status, step.ending && step.ending !== step.status ? step.ending.replaceAll("_", " ") : "")],
      ["model", step.label === "assistant_call" ? joined(step.model, asText(step.payload_started?.model) !== step.model ? `asked for ${asText(step.payload_started?.model)}` : "") : ""],
      ["tokens", usage ? joined(`${number(usage.input_tokens)} in`, `${number(usage.output_tokens)} out`, usage.cached_tokens ? `${number(usage.cached_tokens)} cached` : "", usage.reasoning_tokens ? `${number(usage.reasoning_tokens)} reasoning` : "") : ""],
      ["started", clock(step.started_at)],
      ["took", step.duration_ms || step.label === "assistant_call" ? joined(duration(step.duration_ms), step.timing) : ""],
      ["first event", duration(latency.first_event_ms)],
      ["at the provider", duration(latency.provider_ms)],
      ["events", latency.events],
      ["finish reason", step.finish_reason],
      ["incomplete", step.payload_completed?.incomplete_details ? asText(step.payload_completed.incomplete_details) : ""],
      ["response", step.response_id], ["continues", step.previous_response_id], ["call", step.call_id],
      ["item", step.item_id], ["request", step.request_id], ["type", step.type],
      ["notes", (step.notes ?? []).join("; ")],
    ]));
  }

  links(model, step) {
    const list = (ids) => el("ul", { class: "links" }, ...ids.slice(0, CHILDREN).map((id) => el("li", {}, stepLink(model, id, this.select))), ids.length > CHILDREN ? el("li", {}, button(`${number(ids.length - CHILDREN)} more`, (event) => event.target.closest("ul").replaceWith(el("ul", { class: "links" }, ...ids.map((id) => el("li", {}, stepLink(model, id, this.select)))))), { class: "mini" }) : null);
    const parents = model.parentsOf(step);
    const children = model.childrenOf(step);
    const { prompt_step_id: prompt, root_prompt_step_id: root } = step.origin ?? {};
    const origins = [...new Set([prompt, root])].filter((id) => id && id !== step.step_id);
    return el("div", { class: "relations" },
      parents.length ? section("Depends on", list(parents)) : null,
      children.length ? section("Led to", list(children)) : null,
      origins.length ? section("Origin", list(origins)) : null);
  }

  marks(step) {
    if (!step.redactions?.length) return null;
    return section(`${counted(step.redactions.length, "value")} redacted or cut`, el("ul", {}, ...step.redactions.slice(0, 100).map((mark) => el("li", { class: "mono", text: visible(joined(mark.path, mark.rule, mark.action, mark.bytes ? `${number(mark.bytes)} bytes` : "")) }))));
  }

  raw(step) {
    const body = el("div");
    const details = el("details", { class: "part" }, el("summary", {}, el("h3", { text: "JSON" })), body);
    details.addEventListener("toggle", () => details.open && (body.childElementCount || body.append(treeView(step, { depth: 2 }))));
    return details;
  }
}

/** How long a part of a prompt is, in characters: a blob counts by its bytes. */
function lengthOf({ step, item }) {
  const value = step ? promptValue(step) : item;
  return typeof value?.bytes === "number" ? value.bytes : asText(value).length;
}

/** What a part of a prompt held: tools and history stand there whole, the rest as it reads. */
function promptValue(step) {
  const began = step.payload_started ?? {};
  return (step.label === "tool.schemas.snapshot" && began.tools) || (step.label === "context.snapshot" && began.items) || (began.content ?? saidBy(step) ?? "");
}

function status(step) {
  const word = statusWord(step.status);
  return word ? el("span", { class: `state is-${step.status}`, text: word }) : null;
}
