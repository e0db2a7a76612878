namespace Backhaul.Origin.Tests.RealServers;

/// <summary>Squid as a proxy with a password, asked for by Basic or Digest. It caches nothing.</summary>
internal sealed class SquidServer(RealServer server, int port) : IAsyncDisposable
{
    private const string Realm = "the gate";

    public RealServer Server => server;

    public string Url => $"http://127.0.0.1:{port}";

    public static async Task<SquidServer> StartAsync(string scheme)
    {
        var folder = new ServerFolder();
        var port = Machine.FreePort();
        var (code, hash) = await Machine.RunAsync(["openssl", "passwd", "-apr1", RealFiles.Password], TimeSpan.FromSeconds(20));
        folder.Write("users", code == 0 ? $"{RealFiles.User}:{hash.Trim()}\n" : throw new InvalidOperationException(hash));
        folder.Write("digest-users", $"{RealFiles.User}:{Realm}:{ApacheServer.Md5($"{RealFiles.User}:{Realm}:{RealFiles.Password}")}\n");
        var helper = scheme == "basic" ? $"/usr/lib/squid/basic_ncsa_auth {folder.At("users")}" : $"/usr/lib/squid/digest_file_auth -c {folder.At("digest-users")}";
        folder.Write("squid.conf", $$"""
            http_port 127.0.0.1:{{port}}
            pid_filename {{folder.At("squid.pid")}}
            cache_log {{folder.At("error.log")}}
            access_log stdio:{{folder.At("access.log")}}
            cache_store_log none
            netdb_filename none
            coredump_dir {{folder.Root}}
            cache deny all
            pinger_enable off
            shutdown_lifetime 0 seconds
            auth_param {{scheme}} program {{helper}}
            auth_param {{scheme}} realm {{Realm}}
            auth_param {{scheme}} children 2
            acl known proxy_auth REQUIRED
            http_access allow known
            http_access deny all

            """);
        return new SquidServer(await RealServer.StartAsync(folder, ["squid", "-N", "-f", folder.At("squid.conf")], port), port);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
