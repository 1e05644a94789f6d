package dev.entrepot.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Calls into the C library and OpenSSL. The load tools use them because a client that copies every byte into the JVM
 * would itself be the limit of what is measured.
 */
@SuppressWarnings("restricted")
final class Native {
    /** A C {@code int}. */
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    /** A C {@code long}, {@code size_t} or {@code ssize_t}. */
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /** A C pointer. */
    static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    private Native() {}

    /** The symbols of the C library. */
    static SymbolLookup libc() {
        return Linker.nativeLinker().defaultLookup();
    }

    /** The symbols of OpenSSL 3's libssl, for as long as the process lives. */
    static SymbolLookup libssl() {
        return SymbolLookup.libraryLookup("libssl.so.3", Arena.global());
    }

    /** A function by name. */
    static MethodHandle function(SymbolLookup library, String name, MemoryLayout result, MemoryLayout... parameters) {
        return Linker.nativeLinker()
                .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(result, parameters));
    }

    /** A function without a result, by name. */
    static MethodHandle procedure(SymbolLookup library, String name, MemoryLayout... parameters) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), FunctionDescriptor.ofVoid(parameters));
    }

    /** What a method handle threw, which for native calls is only ever a fault of the caller. */
    static IOException failed(String call, Throwable cause) {
        return new IOException(call + " could not be called", cause);
    }
}
