using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>
/// Apache: <c>/plain /slow</c> with ranges, <c>/digest</c> and <c>/digest-slow</c> behind mod_auth_digest. The log has: method, URL, status, Range, If-Range, user.
/// </summary>
internal sealed class ApacheServer(RealServer server, int port) : IAsyncDisposable
{
    private const string Realm = "the archive";
    private const string Modules = "/usr/lib/apache2/modules";

    public RealServer Server => server;

    public string Url => $"http://127.0.0.1:{port}";

    public static async Task<ApacheServer> StartAsync()
    {
        var folder = new ServerFolder();
        var port = Machine.FreePort();
        foreach (var place in new[] { "plain", "slow", "digest", "digest-slow" })
            folder.WriteContent($"www/{place}/a.bin", "real", RealFiles.Length);
        folder.Write("users", $"{RealFiles.User}:{Realm}:{Md5($"{RealFiles.User}:{Realm}:{RealFiles.Password}")}\n");
        folder.Write("httpd.conf", Configuration(folder.Root, port));
        var server = await RealServer.StartAsync(folder, ["apache2", "-d", folder.Root, "-f", folder.At("httpd.conf"), "-D", "FOREGROUND"], port);
        return new ApacheServer(server, port);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    internal static string Md5(string text)
    {
#pragma warning disable CA5351 // the form of the server's file
        return Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
    }

    private static string Configuration(string root, int port) => $$"""
        ServerRoot {{root}}
        ServerName localhost
        Listen 127.0.0.1:{{port}}
        PidFile {{root}}/httpd.pid
        DefaultRuntimeDir {{root}}
        Mutex file:{{root}} default
        ErrorLog {{root}}/error.log
        LoadModule mpm_event_module {{Modules}}/mod_mpm_event.so
        LoadModule authn_core_module {{Modules}}/mod_authn_core.so
        LoadModule authn_file_module {{Modules}}/mod_authn_file.so
        LoadModule authz_core_module {{Modules}}/mod_authz_core.so
        LoadModule authz_user_module {{Modules}}/mod_authz_user.so
        LoadModule auth_digest_module {{Modules}}/mod_auth_digest.so
        LoadModule env_module {{Modules}}/mod_env.so
        LoadModule ratelimit_module {{Modules}}/mod_ratelimit.so
        LogFormat "%m %U %>s \"%{Range}i\" \"%{If-Range}i\" %u" seen
        CustomLog {{root}}/access.log seen
        DocumentRoot {{root}}/www
        <Directory {{root}}/www>
          Require all granted
        </Directory>
        <LocationMatch "^/(slow|digest-slow)/">
          SetOutputFilter RATE_LIMIT
          SetEnv rate-limit 3072
        </LocationMatch>
        <LocationMatch "^/(digest|digest-slow)/">
          AuthType Digest
          AuthName "{{Realm}}"
          AuthDigestProvider file
          AuthUserFile {{root}}/users
          Require valid-user
        </LocationMatch>
        """;
}
