namespace Backhaul.Origin.Tests.RealServers;

/// <summary>
/// nginx: <c>/plain /slow /private</c> (Basic) with ranges, <c>/dav</c> takes PUT (Basic), and TLS with HTTP/2 that demands a client certificate.
/// The log has: method, URI, status, body bytes, Range, If-Range, user, certificate, protocol.
/// </summary>
internal sealed class NginxServer(RealServer server, int port, int tlsPort) : IAsyncDisposable
{
    public RealServer Server => server;

    public string Url => $"http://127.0.0.1:{port}";

    public string TlsUrl => $"https://127.0.0.1:{tlsPort}";

    public static async Task<NginxServer> StartAsync()
    {
        var folder = new ServerFolder();
        var (port, tlsPort) = (Machine.FreePort(), Machine.FreePort());
        folder.WriteCertificates();
        folder.WriteContent("www/a.bin", "real", RealFiles.Length);
        folder.Write("users", $"{RealFiles.User}:{{PLAIN}}{RealFiles.Password}\n");
        folder.MakeWritable("dav");
        folder.MakeWritable("temp");
        folder.Write("nginx.conf", Configuration(folder.Root, port, tlsPort));
        var server = await RealServer.StartAsync(
            folder, ["nginx", "-p", folder.Root, "-c", folder.At("nginx.conf"), "-e", folder.At("error.log")], port, tlsPort);
        return new NginxServer(server, port, tlsPort);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static string Configuration(string root, int port, int tlsPort) => $$"""
        daemon off;
        worker_processes 1;
        pid {{root}}/nginx.pid;
        error_log {{root}}/error.log;
        events { worker_connections 256; }
        http {
          client_body_temp_path {{root}}/temp/body;
          proxy_temp_path {{root}}/temp/proxy;
          fastcgi_temp_path {{root}}/temp/fastcgi;
          uwsgi_temp_path {{root}}/temp/uwsgi;
          scgi_temp_path {{root}}/temp/scgi;
          log_format seen '$request_method $request_uri $status $body_bytes_sent "$http_range" "$http_if_range" $remote_user "$ssl_client_s_dn" $server_protocol';
          access_log {{root}}/access.log seen;
          client_max_body_size 0;
          server {
            listen 127.0.0.1:{{port}};
            location /plain/ { alias {{root}}/www/; }
            location /slow/ { alias {{root}}/www/; limit_rate 3m; }
            location /private/ { alias {{root}}/www/; auth_basic "the vault"; auth_basic_user_file {{root}}/users; }
            location /private-slow/ { alias {{root}}/www/; auth_basic "the vault"; auth_basic_user_file {{root}}/users; limit_rate 3m; }
            location /dav/ { alias {{root}}/dav/; dav_methods PUT; create_full_put_path on; auth_basic "the inbox"; auth_basic_user_file {{root}}/users; }
          }
          server {
            listen 127.0.0.1:{{tlsPort}} ssl http2;
            ssl_certificate {{root}}/server.pem;
            ssl_certificate_key {{root}}/server.key;
            ssl_client_certificate {{root}}/authority.pem;
            ssl_verify_client on;
            ssl_protocols TLSv1.2 TLSv1.3;
            location /plain/ { alias {{root}}/www/; }
          }
        }
        """;
}
