# cmake -D FOLDER=site -D FILES=list -D OUTPUT=file.cpp -P embed_page.cmake
#
# Writes a C++ file with all FILES of FOLDER, compressed, as mnist::kPageFiles (src/cli/page.cpp).
# Megabytes as a C++ array would take a compiler half a minute; the assembler copies them.
get_filename_component(place ${OUTPUT} DIRECTORY)
set(number 0)
set(blocks "")
set(names "")
set(rows "")
foreach(file ${FILES})
  file(RELATIVE_PATH path ${FOLDER} ${file})
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 16 tag)
  set(content ${file})
  set(is_gzipped false)
  if(NOT path MATCHES "^models/")
    set(content ${place}/${hash}.gz)
    # Of the same bytes always the same ones: no name and no time.
    execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${content} COMMAND_ERROR_IS_FATAL ANY)
    set(is_gzipped true)
  endif()
  set(name mnist_page_file_${number})
  string(APPEND blocks "MNIST_INCLUDE(${name}, \"${content}\")\n")
  string(APPEND rows "    {\"${path}\", \"${tag}\", ${name}, ${name}_end, ${is_gzipped}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"cli/page_file.h\"

#define MNIST_INCLUDE(name, file)                                                \\
  __asm__(\".section .rodata\\n.balign 64\\n.hidden \" #name \"\\n.hidden \" #name      \\
          \"_end\\n.globl \" #name \"\\n.globl \" #name \"_end\\n\" #name \":\\n.incbin \\\"\"  \\
          file \"\\\"\\n\" #name \"_end:\\n.byte 0\\n.text\\n\");                           \\
  extern \"C\" {                                                                   \\
  extern const unsigned char name[] __attribute__((visibility(\"hidden\")));       \\
  extern const unsigned char name##_end[] __attribute__((visibility(\"hidden\"))); \\
  }

${blocks}
namespace mnist {
const PageFile kPageFiles[] = {
${rows}};
const size_t kPageFileCount = ${number};
}  // namespace mnist
")
