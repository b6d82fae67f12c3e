// The secret after the address's # goes into the form, and out of the address: it stays in no history.
{
  const field = document.getElementById('secret');
  if (field && location.hash.length > 1) {
    field.value = location.hash.slice(1);
    history.replaceState(null, '', location.pathname);
    document.getElementById('password').focus();
  }
}
