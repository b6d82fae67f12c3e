// A passkey is made or shown by the browser, and its answer goes into the form. Bytes are base64url in between.
{
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const text = buffer =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
  const descriptor = known => ({ ...known, id: bytes(known.id) });

  const answers = {
    async create(options) {
      options.challenge = bytes(options.challenge);
      options.user.id = bytes(options.user.id);
      options.excludeCredentials = (options.excludeCredentials ?? []).map(descriptor);
      const made = await navigator.credentials.create({ publicKey: options });
      return [made, { attestationObject: text(made.response.attestationObject) }];
    },
    async get(options) {
      options.challenge = bytes(options.challenge);
      options.allowCredentials = (options.allowCredentials ?? []).map(descriptor);
      const shown = await navigator.credentials.get({ publicKey: options });
      const { authenticatorData, signature, userHandle } = shown.response;
      const user = userHandle && text(userHandle);
      return [shown, { authenticatorData: text(authenticatorData), signature: text(signature), userHandle: user }];
    },
  };

  const form = document.querySelector('form.passkey');
  if (form && window.PublicKeyCredential) {
    form.hidden = false;
    form.addEventListener('submit', async event => {
      event.preventDefault();
      const what = form.dataset.create ? 'create' : 'get';
      try {
        const [given, response] = await answers[what](JSON.parse(form.dataset[what]).publicKey);
        response.clientDataJSON = text(given.response.clientDataJSON);
        const { id, type } = given;
        form.elements.passkey.value = JSON.stringify({ id, rawId: text(given.rawId), type, extensions: {}, response });
        form.submit();
      } catch (error) {
        const why = document.createElement('p');
        why.setAttribute('role', 'alert');
        why.className = 'problem';
        why.textContent = `Your browser has given no passkey (${error.name}). Try again, or use a code.`;
        form.replaceChildren(why, ...[...form.children].filter(child => child.className !== 'problem'));
      }
    });
  }
}
