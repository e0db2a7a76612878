namespace Backhaul.FaultOrigin.Tls;

/// <summary>
/// What a client meets before it can ask for anything. A URL can choose nothing there but its host, so each face has an address of the
/// loopback network: <c>https://127.0.0.{face}:{port}/</c>. The numbers are those of the addresses.
/// </summary>
public enum TlsFace
{
    /// <summary>A good certificate for <c>localhost</c> and all these addresses; HTTP/2 or HTTP/1.1, as the client likes.</summary>
    Good = 1,

    /// <summary>Its certificate ran out yesterday.</summary>
    Expired = 2,

    /// <summary>Its certificate is somebody else's.</summary>
    Foreign = 3,

    /// <summary>Signed by itself.</summary>
    SelfSigned = 4,

    /// <summary>Wants a certificate of the client, any that it has.</summary>
    Demanding = 5,

    /// <summary>Takes the connection and says nothing.</summary>
    Stalled = 6,

    /// <summary>Closes in the middle of the handshake.</summary>
    Broken = 7,

    /// <summary>Good, and speaks HTTP/1.1 only.</summary>
    Http1 = 8,

    /// <summary>Good, and speaks no TLS above 1.2.</summary>
    Tls12 = 9,
}
