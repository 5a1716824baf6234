// A request as a curl command, without the key: for trying again what went wrong.
//
// Where not all of it is there, comment lines before the command say what is missing, and where it is: the rest can be
// filled in, but sent as it is it would be another request.

import { request } from "./source.js";

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

// Keys and ids are whatever was sent: none may end the line, and with it the comment.
const comment = (text) => `# ${text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")}\n`;

/** The command, with the body as it was sent. */
export async function curlOf(sessionId, stepId) {
  const { method, url, body, missing } = await request(sessionId, stepId);
  const lines = [`curl -X ${quote(method)} ${quote(url)}`, '-H "Authorization: Bearer $OPENAI_API_KEY"'];
  if (body !== null) lines.push("-H 'Content-Type: application/json'", `--data-binary ${quote(JSON.stringify(body, null, 2))}`);
  return `${missing.map(comment).join("")}${lines.join(" \\\n  ")}\n`;
}
