using System.Diagnostics;

namespace Backhaul.Bench;

/// <summary>The origin: nginx on a free port, serving a folder, with a configuration of its own.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly Process _process;

    private Nginx(Process process, int port, string files)
    {
        _process = process;
        Url = $"http://127.0.0.1:{port}";
        Files = files;
    }

    public string Url { get; }

    public string Files { get; }

    public static async Task<Nginx> StartAsync(WorkFolder work)
    {
        var (folder, files, port) = (work.Fresh("nginx"), work.Fresh("origin"), Command.FreePort());
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            worker_processes auto;
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log stderr error;
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            events { worker_connections 4096; }
            http {
              access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream; types { }
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
              server {
                listen 127.0.0.1:{{port}} backlog=4096; root {{files}}; autoindex on;
                # It lets a second's share go at once, in whole seconds of its clock: a file of 1 MiB takes two to three seconds so, and none at 1m.
                location /many/ { limit_rate 256k; }
              }
            }
            """);
        var nginx = new Nginx(Command.Start(["nginx", "-e", "stderr", "-c", configuration]), port, files);
        using var http = new HttpClient();
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(nginx.Url);
                return nginx;
            }
            catch (HttpRequestException) when (deadline.Elapsed < TimeSpan.FromSeconds(10) && !nginx._process.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
