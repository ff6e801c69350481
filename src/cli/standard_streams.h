// Standard input, output and error, which the shell may have closed or led to a full disk.
#pragma once

#include <string_view>

namespace mnist {

// Called first in the program: where one of the three is closed, no file that is opened later gets
// its number, and reading or writing it goes on failing.
void reserve_standard_streams();

// Text for people on standard error. What cannot be written there is lost: a message must not end
// the work that it is about.
void write_error(std::string_view text);

// Results on standard output, at once. A failure is remembered for check_output, so that it ends no
// training either.
void write_output(std::string_view text);

// Throws Error unless everything that was ever printed has reached standard output.
void check_output();

}  // namespace mnist
