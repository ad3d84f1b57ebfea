# What every target of imgq is built with.
set(IMGQ_SANITIZE "" CACHE STRING "sanitizers for all targets: address,undefined or thread")
option(IMGQ_WERROR "warnings are errors (the presets switch it on)" OFF)

option(IMGQ_FUZZ "build tests/fuzz with libFuzzer (clang), all code instrumented" OFF)
if(IMGQ_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(IMGQ_SANITIZED=1)
endif()

add_compile_definitions(IMGQ_VERSION="${PROJECT_VERSION}" _FILE_OFFSET_BITS=64)

if(IMGQ_SANITIZE)
  add_compile_options(-fsanitize=${IMGQ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${IMGQ_SANITIZE})
  add_compile_definitions(IMGQ_SANITIZED=1)
endif()

# imgq_warnings(TARGET): our own code is clean under these.
function(imgq_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wold-style-cast -Wnon-virtual-dtor)
  # What g++ 12 says at -O3 of std::string, std::vector and std::sort is not so (GCC bug 105651, and alike).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13 AND
      CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized)
  endif()
  # GCC's manual, Instrumentation Options: what a sanitizer adds makes more of this one false.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND IMGQ_SANITIZE)
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
  endif()
  if(IMGQ_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()

# imgq_library(NAME SOURCES... ): one static library for a directory. Its libraries are linked PRIVATE,
# so no directory sees another's dependencies.
function(imgq_library name)
  add_library(${name} STATIC ${ARGN})
  imgq_warnings(${name})
endfunction()

# imgq_program(NAME SOURCE LIBRARIES...)
function(imgq_program name source)
  add_executable(${name} ${source})
  imgq_warnings(${name})
  target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()

# imgq_test(NAME [UNIT] SOURCES... LIBS libraries...): a GoogleTest program, each test known to ctest.
# UNIT: needs neither our programs, nor root, nor the network, so that package builds can run it.
function(imgq_test name)
  cmake_parse_arguments(arg "UNIT" "" "LIBS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  imgq_warnings(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest GTest::gtest_main)
  set(properties TIMEOUT 120)
  if(CMAKE_CROSSCOMPILING_EMULATOR)
    set(properties TIMEOUT 1200)  # it is some ten times slower
  endif()
  if(arg_UNIT)
    list(APPEND properties LABELS unit)
    add_dependencies(unit_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
endfunction()
