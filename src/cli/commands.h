// Every command of the program, one line each; the list in main.cpp gives their order in the help.
#pragma once

namespace mnist {

class Command;

void add_train(Command& program);
void add_eval(Command& program);
void add_predict(Command& program);
void add_info(Command& program);
void add_graph(Command& program);
void add_convert(Command& program);
void add_formats(Command& program);
void add_data(Command& program);
void add_draw(Command& program);
void add_serve(Command& program);
void add_bench(Command& program);

}  // namespace mnist
