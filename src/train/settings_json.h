// Training settings as JSON, every one of them, exactly.
#pragma once

#include "base/json.h"
#include "train/settings.h"

namespace mnist {

Json to_json(const TrainSettings& settings);

// Throws Error naming the place where a setting is missing, unknown or of another type.
TrainSettings settings_from_json(const JsonView& value);

}  // namespace mnist
