// Not a module: browsers do not load those from files.
if (location.protocol === 'file:') document.documentElement.dataset.place = 'file';
