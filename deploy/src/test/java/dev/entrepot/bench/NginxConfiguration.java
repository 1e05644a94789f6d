package dev.entrepot.bench;

import java.nio.file.Path;

/**
 * nginx as the peer: {@code proxy_cache} with sendfile, open files kept, connections kept, concurrent misses collapsed,
 * and a buffered access log in a file, as this project's server has one.
 */
final class NginxConfiguration {
    private NginxConfiguration() {}

    /** The configuration file. */
    static String of(Path folder, int port, Launch launch) {
        String user = System.getProperty("user.name").equals("root") ? "user root;" : "";
        String tls = launch.certificate()
                .map(pair -> "ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;".formatted(pair, pair))
                .orElse("");
        return """
                daemon off;
                %1$s
                worker_processes auto;
                pid %2$s/pid;
                error_log %2$s/error.log warn;
                events { worker_connections 8192; }
                http {
                  default_type application/octet-stream;
                  sendfile on;
                  tcp_nopush on;
                  tcp_nodelay on;
                  keepalive_timeout 75s;
                  keepalive_requests 1000000000;
                  access_log %2$s/access.log combined buffer=64k flush=1s;
                  open_file_cache max=10000 inactive=1h;
                  open_file_cache_valid 10m;
                  client_body_temp_path %2$s/body;
                  proxy_temp_path %2$s/temp;
                  fastcgi_temp_path %2$s/fastcgi;
                  uwsgi_temp_path %2$s/uwsgi;
                  scgi_temp_path %2$s/scgi;
                  proxy_cache_path %2$s/cache levels=1:2 keys_zone=blobs:10m max_size=200g inactive=1d use_temp_path=off;
                  upstream registry { server 127.0.0.1:%3$d; keepalive 32; }
                  server {
                    listen 127.0.0.1:%4$d backlog=4096 %5$s;
                    %6$s
                    location / {
                      proxy_pass http://registry;
                      proxy_http_version 1.1;
                      proxy_set_header Connection "";
                      proxy_cache blobs;
                      proxy_cache_key $uri;
                      proxy_cache_valid 200 1h;
                      proxy_cache_lock on;
                      proxy_cache_lock_timeout 10m;
                      proxy_cache_lock_age 10m;
                    }
                  }
                }
                """.formatted(
                        user,
                        folder,
                        launch.upstream().port(),
                        port,
                        launch.certificate().isPresent() ? "ssl" : "",
                        tls);
    }
}
