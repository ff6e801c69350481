# cmake -D INPUT=file -D OUTPUT=file.cpp -D NAME=kName -P embed.cmake
#
# Writes a C++ file with the bytes of INPUT as mnist::NAME and their number as mnist::NAMESize.
# Portable to every compiler, which assemblers' .incbin is not.
file(READ "${INPUT}" hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUTPUT}" "#include <cstddef>
namespace mnist {
extern const unsigned char ${NAME}[];
extern const size_t ${NAME}Size;
alignas(64) const unsigned char ${NAME}[] = {
${bytes}};
const size_t ${NAME}Size = ${size};
}  // namespace mnist
")
