#include "formats/tensorflow/variable_keys.h"

#include <gtest/gtest.h>

namespace mnist {
namespace {

// A graph as tf.saved_model.save writes a model of Keras 3: the network reads "kernel", and what is
// restored is "Variable", a copy of it.
TEST(VariableKeys, WhatIsRestoredIntoACopyIsTheOriginals) {
  auto names = std::make_shared<TfConstant>();
  names->kind = TfConstant::Kind::kText;
  names->texts = {"_layers/1/_kernel/.ATTRIBUTES/VARIABLE_VALUE"};
  TfFunction restore;
  restore.arguments = {"prefix", "variable"};
  TfAttribute value;
  value.constant = names;
  restore.nodes["names"] = {"names", "Const", {}, {{"value", value}}};
  restore.nodes["restore"] = {"restore", "RestoreV2", {"prefix", "names:output:0"}};
  restore.nodes["assign"] = {"assign", "AssignVariableOp", {"variable", "restore:tensors:0"}};
  TfGraph graph;
  graph.functions["restore"] = restore;
  graph.nodes["kernel"] = {"kernel", "VarHandleOp"};
  graph.nodes["Variable"] = {"Variable", "VarHandleOp"};
  graph.nodes["read"] = {"read", "ReadVariableOp", {"kernel"}};
  graph.nodes["copy"] = {"copy", "AssignVariableOp", {"Variable", "read"}};
  TfAttribute function;
  function.text = "restore";
  graph.nodes["call"] = {
      "call", "StatefulPartitionedCall", {"prefix", "Variable"}, {{"f", function}}};
  const auto keys = variable_keys(graph);
  EXPECT_EQ(keys.at("Variable"), names->texts[0]);
  ASSERT_TRUE(keys.contains("kernel"));
  EXPECT_EQ(keys.at("kernel"), names->texts[0]);
}

}  // namespace
}  // namespace mnist
