// Classify pictures with a model exported by EmoStudio (.onnx, or .ort), in C++ with ONNX Runtime.
//
//     classify MODEL PICTURE...
//
// PICTURE is a binary PGM or PPM file of one face, or raw float32 values of the model's input
// (C, H, W; levels 0 to 255). Labels, input size and colour come from the model file's metadata.

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kLargestSide = 256;  // EmoStudio shrinks larger pictures to this first

// What the model file says about itself.
struct Facts {
  std::vector<std::string> labels;
  int height = 0, width = 0, channels = 0;
  int resize = 0;  // side of the square whose middle is taken; 0: no crop
  bool are_probabilities = false;
};

// 8-bit levels, row by row, channels innermost: 1 is grey, 3 are red, green, blue.
struct Picture {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> levels;

  Picture(int h, int w, int c) : height(h), width(w), channels(c), levels(std::size_t(h) * w * c) {}
  std::uint8_t& at(int y, int x, int c) { return levels[(std::size_t(y) * width + x) * channels + c]; }
  std::uint8_t at(int y, int x, int c) const {
    return levels[(std::size_t(y) * width + x) * channels + c];
  }
};

std::string metadata(const Ort::Session& session, const char* key) {
  Ort::AllocatorWithDefaultOptions allocator;
  const auto all = session.GetModelMetadata();
  const auto value = all.LookupCustomMetadataMapAllocated(key, allocator);
  if (!value) throw std::runtime_error(std::string("not exported by EmoStudio: no ") + key);
  return value.get();
}

Facts facts_of(const Ort::Session& session) {
  Facts facts;
  std::stringstream labels(metadata(session, "labels"));
  for (std::string label; std::getline(labels, label, ',');) facts.labels.push_back(label);
  facts.height = std::stoi(metadata(session, "input_height"));
  facts.width = std::stoi(metadata(session, "input_width"));
  facts.channels = std::stoi(metadata(session, "input_channels"));
  facts.resize = std::stoi(metadata(session, "resize"));
  facts.are_probabilities = metadata(session, "outputs") == "probabilities";
  return facts;
}

std::string content_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("it cannot be read");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

int next_number(std::istream& stream) {
  int value = 0;
  while ((stream >> std::ws) && stream.peek() == '#') {
    std::string comment;
    std::getline(stream, comment);
  }
  if (!(stream >> value) || value < 1) throw std::runtime_error("it is damaged");
  return value;
}

Picture netpbm(const std::string& content) {
  std::istringstream stream(content.substr(2));
  const int width = next_number(stream), height = next_number(stream);
  if (next_number(stream) != 255) throw std::runtime_error("it is not of 8 bits");
  stream.get();
  if (width > 65535 || height > 65535) throw std::runtime_error("it is too large");
  Picture picture(height, width, content[1] == '6' ? 3 : 1);
  stream.read(reinterpret_cast<char*>(picture.levels.data()), std::streamsize(picture.levels.size()));
  if (stream.gcount() != std::streamsize(picture.levels.size())) {
    throw std::runtime_error("it is damaged");
  }
  return picture;
}

// Pixels of the old row or column that one new pixel is made of, with their weights.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> area_taps(int old_size, int new_size) {
  std::vector<Taps> taps(new_size);
  const double step = double(old_size) / new_size;
  for (int i = 0; i < new_size; ++i) {
    const double begin = i * step, end = (i + 1) * step;
    taps[i].first = std::min(int(begin), old_size - 1);
    for (int j = taps[i].first; j < old_size && j < end; ++j) {
      const double covered = std::min(end, j + 1.0) - std::max(begin, double(j));
      taps[i].weights.push_back(float(covered / step));
    }
  }
  return taps;
}

std::vector<Taps> linear_taps(int old_size, int new_size) {
  std::vector<Taps> taps(new_size);
  for (int i = 0; i < new_size; ++i) {
    const double centre = (i + 0.5) * old_size / new_size - 0.5;
    const double inside = std::clamp(centre, 0.0, old_size - 1.0);
    taps[i].first = std::min(int(inside), std::max(0, old_size - 2));
    const float share = float(inside - taps[i].first);
    taps[i].weights = old_size > 1 ? std::vector<float>{1 - share, share} : std::vector<float>{1};
  }
  return taps;
}

Picture resized(const Picture& picture, int height, int width) {
  if (picture.height == height && picture.width == width) return picture;
  const bool shrinks = picture.height >= height && picture.width >= width;
  const auto taps = shrinks ? area_taps : linear_taps;
  const auto rows = taps(picture.height, height), columns = taps(picture.width, width);
  Picture found(height, width, picture.channels);
  std::vector<float> line(std::size_t(picture.width) * picture.channels);
  for (int y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), 0.0f);
    for (std::size_t k = 0; k < rows[y].weights.size(); ++k) {
      const auto* levels = &picture.levels[(rows[y].first + k) * line.size()];
      for (std::size_t i = 0; i < line.size(); ++i) line[i] += rows[y].weights[k] * levels[i];
    }
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < picture.channels; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < columns[x].weights.size(); ++k) {
          sum += columns[x].weights[k] * line[(columns[x].first + k) * picture.channels + c];
        }
        found.at(y, x, c) = std::uint8_t(std::clamp(std::lround(sum), 0L, 255L));
      }
    }
  }
  return found;
}

Picture grey(const Picture& picture) {
  Picture found(picture.height, picture.width, 1);
  for (std::size_t i = 0; i < found.levels.size(); ++i) {
    const auto* rgb = &picture.levels[3 * i];
    found.levels[i] =
        std::uint8_t((9798 * rgb[0] + 19235 * rgb[1] + 3735 * rgb[2] + (1 << 14)) >> 15);
  }
  return found;
}

// The model's input (C, H, W): size, colour and crop as EmoStudio does them; the graph does the rest.
std::vector<float> input_of(Picture picture, const Facts& facts) {
  const int longest = std::max(picture.height, picture.width);
  if (longest > kLargestSide) {
    const double scale = double(kLargestSide) / longest;
    const int height = std::max(1, int(std::nearbyint(picture.height * scale)));
    picture = resized(picture, height, std::max(1, int(std::nearbyint(picture.width * scale))));
  }
  if (facts.channels == 1 && picture.channels == 3) picture = grey(picture);
  picture = resized(picture, facts.resize ? facts.resize : facts.height,
                    facts.resize ? facts.resize : facts.width);
  const int top = (picture.height - facts.height) / 2, left = (picture.width - facts.width) / 2;
  std::vector<float> values;
  values.reserve(std::size_t(facts.channels) * facts.height * facts.width);
  for (int c = 0; c < facts.channels; ++c) {
    for (int y = 0; y < facts.height; ++y) {
      for (int x = 0; x < facts.width; ++x) {
        values.push_back(picture.at(top + y, left + x, std::min(c, picture.channels - 1)));
      }
    }
  }
  return values;
}

std::vector<float> read_input(const std::string& path, const Facts& facts) {
  const std::string content = content_of(path);
  const std::string kind = content.substr(0, 2);
  if (kind == "P5" || kind == "P6") return input_of(netpbm(content), facts);
  std::vector<float> values(std::size_t(facts.channels) * facts.height * facts.width);
  if (content.size() != values.size() * sizeof(float)) {
    throw std::runtime_error("it is neither PGM or PPM, nor raw values of the model's input");
  }
  std::memcpy(values.data(), content.data(), content.size());
  return values;
}

std::vector<float> softmax(std::vector<float> logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  for (float& value : logits) value = std::exp(value - largest);
  const float sum = std::accumulate(logits.begin(), logits.end(), 0.0f);
  for (float& value : logits) value /= sum;
  return logits;
}

std::vector<float> probabilities(Ort::Session& session, const Facts& facts,
                                 std::vector<float> values) {
  Ort::AllocatorWithDefaultOptions allocator;
  const auto input = session.GetInputNameAllocated(0, allocator);
  const auto output = session.GetOutputNameAllocated(0, allocator);
  const char* inputs[] = {input.get()};
  const char* outputs[] = {output.get()};
  const std::int64_t shape[] = {1, facts.channels, facts.height, facts.width};
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  auto tensor = Ort::Value::CreateTensor<float>(memory, values.data(), values.size(), shape, 4);
  const auto found = session.Run(Ort::RunOptions{nullptr}, inputs, &tensor, 1, outputs, 1);
  const float* first = found[0].GetTensorData<float>();
  std::vector<float> answer(first, first + facts.labels.size());
  return facts.are_probabilities ? answer : softmax(answer);
}

void show(const std::string& path, const Facts& facts, const std::vector<float>& shares) {
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return shares[a] > shares[b]; });
  std::printf("%s: %s\n", path.c_str(), facts.labels[order[0]].c_str());
  for (const auto i : order) {
    std::printf("  %-12s %6.2f %%\n", facts.labels[i].c_str(), 100 * shares[i]);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s MODEL PICTURE...\n", words[0]);
    return 2;
  }
  std::string subject = words[1];
  try {
    Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "classify");
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    const std::string content = content_of(subject);
    Ort::Session session(environment, content.data(), content.size(), options);
    const Facts facts = facts_of(session);
    for (int i = 2; i < count; ++i) {
      subject = words[i];
      show(subject, facts, probabilities(session, facts, read_input(subject, facts)));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", subject.c_str(), error.what());
    return 2;
  }
  return 0;
}
