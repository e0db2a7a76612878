using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Backhaul.FaultOrigin.Tls;

/// <summary>The handshake of one connection, right or wrong by the face that it came to.</summary>
internal static class TlsDoor
{
    /// <summary>The stream inside, or null when there is none.</summary>
    public static async ValueTask<SslStream?> OpenAsync(Socket socket, TlsFace face, CancellationToken stop)
    {
        var scrap = new byte[4096];
        switch (face)
        {
            case TlsFace.Stalled:
                while (await socket.ReceiveAsync(scrap, SocketFlags.None, stop) > 0)
                {
                }
                return null;
            case TlsFace.Broken:
                await socket.ReceiveAsync(scrap, SocketFlags.None, stop);
                return null;
        }
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            await tls.AuthenticateAsServerAsync(Options(face), stop);
            return tls;
        }
        catch (Exception failed) when (failed is AuthenticationException or IOException or OperationCanceledException)
        {
            await tls.DisposeAsync();
            return null;
        }
    }

    private static SslServerAuthenticationOptions Options(TlsFace face)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = OriginAuthority.Shared.Of(face),
            ApplicationProtocols = face == TlsFace.Http1 ? [SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            ClientCertificateRequired = face == TlsFace.Demanding,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => face != TlsFace.Demanding || certificate is not null,
        };
        if (face == TlsFace.Tls12)
            options.EnabledSslProtocols = SslProtocols.Tls12;
        return options;
    }
}
