// Every command of the program, one line each; the list in main.cpp gives their order in the help.
#pragma once

namespace CLI {
class App;
}

namespace mnist {

void add_train(CLI::App& program);
void add_eval(CLI::App& program);
void add_predict(CLI::App& program);
void add_info(CLI::App& program);
void add_graph(CLI::App& program);
void add_convert(CLI::App& program);
void add_formats(CLI::App& program);
void add_data(CLI::App& program);

}  // namespace mnist
