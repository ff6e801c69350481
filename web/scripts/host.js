// The program that serves the page, which puts another file in this one's place: its models, and
// whether it has the page's WebAssembly. Any other server is only a place for files.
export const host = null;
