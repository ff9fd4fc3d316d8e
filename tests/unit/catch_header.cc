// CMake precompiles a header for a source file: this one, since the file with Catch's main function can't use it.
