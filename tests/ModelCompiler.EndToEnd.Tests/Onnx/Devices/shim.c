/* ONNX Runtime's managed library 1.31 asks for C API 31; the only prebuilt library with WebGPU, that of onnxruntime-node 1.30, has API 30, whose
   table is the same from the front. This library stands before it: it answers 31 with table 30, and functions that came later say that they
   are not there. For tests only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

static OrtApi table;
static const OrtApi* real;

static OrtStatus* missing(void) { return real->CreateStatus(ORT_NOT_IMPLEMENTED, "not in the API 30 that this library stands before"); }

static const OrtApiBase* find(void) {
  static const OrtApiBase* found;
  if (!found) {
    /* Dawn asks for the Vulkan loader by name; chromium's, loaded here by its path, is found by that name then. */
    setenv("VK_DRIVER_FILES", DRIVER, 0);
    dlopen(VULKAN, RTLD_NOW | RTLD_GLOBAL);
    void* library = dlopen(REAL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      fprintf(stderr, "%s\n", dlerror());
      abort();
    }

    found = ((const OrtApiBase* (*)(void))dlsym(library, "OrtGetApiBase"))();
  }

  return found;
}

static const OrtApi* get_api(uint32_t version) {
  if (version < 31) {
    return find()->GetApi(version);
  }

  real = find()->GetApi(30);
  for (size_t at = 0; at < sizeof table; at += sizeof(void*)) {
    void* function = (void*)missing;
    memcpy((char*)&table + at, &function, sizeof function);
  }

  memcpy(&table, real, offsetof(OrtApi, FIRST_OF_31));
  return &table;
}

static const char* get_version(void) { return find()->GetVersionString(); }

const OrtApiBase* OrtGetApiBase(void) {
  static const OrtApiBase base = {get_api, get_version};
  return &base;
}
