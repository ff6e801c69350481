// Emscripten's threads bring its WebGL and canvas functions along, which nothing here calls.
mergeInto(LibraryManager.library, {
  emscripten_webgl_create_context: function() { return 0; },
  emscripten_webgl_create_context__deps: [],
  emscripten_set_canvas_element_size: function() { return -1; },
  emscripten_set_canvas_element_size__deps: [],
});
