// @ts-check
// Whoever followed another site's link to the console came without the operator's cookie, which is for this site's
// own pages. From here it is sent.

const again = new URL(location.href);
again.searchParams.set('again', '');
location.replace(again);
