package dev.entrepot.bench;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * A TCP connection made with the C library (Linux). Bytes are thrown away inside the kernel, by {@code recv} with
 * {@code MSG_TRUNC}, so that they cost the client nothing and the server is the limit.
 */
final class PlainTransport implements Transport {
    private static final int AF_INET = 2;
    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final long RECEIVE_TIMEOUT_SECONDS = 60;

    private static final MethodHandle SOCKET =
            Native.function(Native.libc(), "socket", Native.INT, Native.INT, Native.INT, Native.INT);
    private static final MethodHandle CONNECT =
            Native.function(Native.libc(), "connect", Native.INT, Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle SET_OPTION = Native.function(
            Native.libc(), "setsockopt", Native.INT, Native.INT, Native.INT, Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle SEND =
            Native.function(Native.libc(), "send", Native.LONG, Native.INT, Native.POINTER, Native.LONG, Native.INT);
    private static final MethodHandle RECV =
            Native.function(Native.libc(), "recv", Native.LONG, Native.INT, Native.POINTER, Native.LONG, Native.INT);
    private static final MethodHandle CLOSE = Native.function(Native.libc(), "close", Native.INT, Native.INT);

    private final int descriptor;

    private PlainTransport(int descriptor) {
        this.descriptor = descriptor;
    }

    /** Connects to a port of 127.0.0.1. */
    static PlainTransport connect(int port) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = (int) SOCKET.invokeExact(AF_INET, SOCK_STREAM, 0);
            PlainTransport transport = new PlainTransport(descriptor);
            MemorySegment timeout = arena.allocate(ValueLayout.JAVA_LONG, 2);
            timeout.set(ValueLayout.JAVA_LONG, 0, RECEIVE_TIMEOUT_SECONDS);
            int set = (int) SET_OPTION.invokeExact(descriptor, SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
            int connected = (int) CONNECT.invokeExact(descriptor, loopback(arena, port), 16);
            if (descriptor < 0 || set != 0 || connected != 0) {
                transport.close();
                throw new IOException("cannot connect to 127.0.0.1:" + port);
            }
            return transport;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.failed("connect", e);
        }
    }

    private static MemorySegment loopback(Arena arena, int port) {
        MemorySegment address = arena.allocate(16, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_INET);
        address.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) port);
        address.set(ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, 0x7f000001);
        return address;
    }

    /** The file descriptor, for a library that does its own reading. */
    int descriptor() {
        return descriptor;
    }

    @Override
    public void send(byte[] bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            for (long sent = 0; sent < bytes.length; ) {
                long count = (long)
                        SEND.invokeExact(descriptor, memory.asSlice(sent), (long) bytes.length - sent, MSG_NOSIGNAL);
                if (count <= 0) {
                    throw new EOFException("the server closed the connection during the request");
                }
                sent += count;
            }
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.failed("send", e);
        }
    }

    @Override
    public long receive(MemorySegment buffer) throws IOException {
        return receive(buffer, buffer.byteSize(), 0);
    }

    @Override
    public long discard(long limit) throws IOException {
        return receive(MemorySegment.NULL, limit, MSG_TRUNC);
    }

    private long receive(MemorySegment buffer, long limit, int flags) throws IOException {
        long count;
        try {
            count = (long) RECV.invokeExact(descriptor, buffer, limit, flags);
        } catch (Throwable e) {
            throw Native.failed("recv", e);
        }
        if (count < 0) {
            throw new IOException("the connection was reset, or nothing came for " + RECEIVE_TIMEOUT_SECONDS + " s");
        }
        return count;
    }

    @Override
    public void close() {
        try {
            int ignored = (int) CLOSE.invokeExact(descriptor);
        } catch (Throwable e) {
            throw new IllegalStateException("close could not be called", e);
        }
    }
}
