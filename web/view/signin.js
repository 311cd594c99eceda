// The form for those whom the server does not let in without a token.

import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** `refusal` says why the last token was not good, or is null; `signIn` is called with what was typed in. */
export function signInView({ refusal, busy, signIn }) {
  const submit = (event) => {
    event.preventDefault();
    const field = event.target.elements.namedItem("token");
    signIn(field.value.trim());
  };
  return html`<section class="signin" aria-labelledby="signin-title">
    <h1 id="signin-title">Sign in</h1>
    <p>This server shows itself to those who have a token. To look, one with the role <code>observe</code> is enough.</p>
    <form @submit=${submit}>
      <label for="token">Token</label>
      <input id="token" name="token" type="password" required autocomplete="off" autocapitalize="off" spellcheck="false"
        aria-invalid=${refusal === null ? nothing : "true"} aria-describedby="signin-refusal">
      <button type="submit" ?disabled=${busy}>Sign in</button>
      <p id="signin-refusal" class="bad" role="alert">${refusal ?? nothing}</p>
    </form>
    <p class="hint">It is kept for this tab alone, until you sign out or close it. Whoever runs the server makes one with
      <code>throttle token</code>.</p>
  </section>`;
}
