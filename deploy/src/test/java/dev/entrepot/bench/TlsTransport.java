package dev.entrepot.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** TLS by OpenSSL over a {@link PlainTransport}. Certificates are not checked: this is a load tool on loopback. */
final class TlsTransport implements Transport {
    private static final MethodHandle METHOD = Native.function(Native.libssl(), "TLS_client_method", Native.POINTER);
    private static final MethodHandle NEW_CONTEXT =
            Native.function(Native.libssl(), "SSL_CTX_new", Native.POINTER, Native.POINTER);
    private static final MethodHandle FREE_CONTEXT = Native.procedure(Native.libssl(), "SSL_CTX_free", Native.POINTER);
    private static final MethodHandle NEW = Native.function(Native.libssl(), "SSL_new", Native.POINTER, Native.POINTER);
    private static final MethodHandle SET_DESCRIPTOR =
            Native.function(Native.libssl(), "SSL_set_fd", Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle CONNECT =
            Native.function(Native.libssl(), "SSL_connect", Native.INT, Native.POINTER);
    private static final MethodHandle READ =
            Native.function(Native.libssl(), "SSL_read", Native.INT, Native.POINTER, Native.POINTER, Native.INT);
    private static final MethodHandle WRITE =
            Native.function(Native.libssl(), "SSL_write", Native.INT, Native.POINTER, Native.POINTER, Native.INT);
    private static final MethodHandle FREE = Native.procedure(Native.libssl(), "SSL_free", Native.POINTER);
    private static final int BUFFER_BYTES = 256 * 1024;

    private final PlainTransport socket;
    private final MemorySegment session;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES);

    private TlsTransport(PlainTransport socket, MemorySegment session) {
        this.socket = socket;
        this.session = session;
    }

    /** Connects to a port of 127.0.0.1 and shakes hands. */
    static TlsTransport connect(int port) throws IOException {
        PlainTransport socket = PlainTransport.connect(port);
        try {
            MemorySegment context = (MemorySegment) NEW_CONTEXT.invokeExact((MemorySegment) METHOD.invokeExact());
            MemorySegment session = (MemorySegment) NEW.invokeExact(context);
            FREE_CONTEXT.invokeExact(context);
            int set = (int) SET_DESCRIPTOR.invokeExact(session, socket.descriptor());
            int connected = (int) CONNECT.invokeExact(session);
            TlsTransport transport = new TlsTransport(socket, session);
            if (set != 1 || connected != 1) {
                transport.close();
                throw new IOException("the TLS handshake with 127.0.0.1:" + port + " failed");
            }
            return transport;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.failed("SSL_connect", e);
        }
    }

    @Override
    public void send(byte[] bytes) throws IOException {
        try (Arena request = Arena.ofConfined()) {
            MemorySegment memory = request.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            int written = (int) WRITE.invokeExact(session, memory, bytes.length);
            if (written != bytes.length) {
                throw new IOException("the server closed the connection during the request");
            }
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.failed("SSL_write", e);
        }
    }

    @Override
    public long receive(MemorySegment target) throws IOException {
        return read(target, (int) Math.min(target.byteSize(), Integer.MAX_VALUE));
    }

    @Override
    public long discard(long limit) throws IOException {
        return read(buffer, (int) Math.min(BUFFER_BYTES, limit));
    }

    private int read(MemorySegment target, int limit) throws IOException {
        try {
            return Math.max(0, (int) READ.invokeExact(session, target, limit));
        } catch (Throwable e) {
            throw Native.failed("SSL_read", e);
        }
    }

    @Override
    public void close() {
        try {
            FREE.invokeExact(session);
        } catch (Throwable e) {
            throw new IllegalStateException("SSL_free could not be called", e);
        } finally {
            arena.close();
            socket.close();
        }
    }
}
