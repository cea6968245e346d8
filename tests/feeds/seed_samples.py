"""The sixteen XML samples of the protocol document, letter by letter as they stand in it."""

from __future__ import annotations

STACK_ENTRY = """\
<xml>
    <Version>1.0</Version>
    <Client>SonyMusicParser</Client>
    <Feed path="/2022/10/11/1666271452953" />
</xml>
"""

TAG = """\
<MyTag someKey=""></MyTag>
"""

MANIFEST = """\
<xml>
    <Client>SonyMusicParser</Client>
    <Packages path="packages/*/*/package.xml" />
</xml>
"""

PACKAGE = """\
<xml>
    <Schema>
        ... Schema are here
    </Schema>
</xml>
"""

OBJECT = """\
<xml>
    <Schema>
        <Artist action="Create">\x20
            ... content
        </Artist>
    </Schema>
</xml>
"""

TERRITORY = """\
<xml>
    <Schema>
        <Territory>
            <Country>US</Country>
            <Validities>
                <Validity>
                    <Name>StreamingValidity</Name>
                    <Type>Allow</Type>
                    <StartDate type="unixtime">1191297600</StartDate>
                </Validity>
                <Validity>
                    <Name>FreezeMechanism</Name>
                    <Type>Allow</Type>
                    <EndDate type="ISO-2023A12">2022-10-30T11:12:00:0400</EndDate>
                </Validity>
            </Validities>
        </Territory>
    <Schema>
</xml>
"""

GENRES = """\
<xml>
    <Schema>
        <Genres>
            <Genre action="pull">
                <ID>latin</ID>
                <Name>Latin</Name>
                <Source>Apple</Source>
            </Genre>
            <Genre>
                <ID>hip-hop</ID>
                <Name>Hip/Hop</Name>
            </Genre>
        </Genres>
    <Schema>
</xml>
"""

ARTIST = """\
<xml>
    <Schema version="1.0" action="create">
        <Artist>
            <ID>142111</ID>
            <UniqueName>adele [x]</UniqueName>
            <Name>Adele</Name>
            <Genres>
                <Genre src="genres/hiphop.xml" />
                <Genre src="genres/rock.xml" />
            </Genres>
            <Popularity>0.2</Popuylarity>
            <Territories src="territories.xml" />
            <Images>
                <Image>
                    <Resource />
                    <Provider>7digital</Provider>
                    <Value>https://artwork-cdn....eart/00/000/007/0000000749_<$size$>.jpg</Value>
                    <Resolution>
                        <Width>800</Width>
                        <Heigth>800</Heigth>
                    </Resolution>
                </Image>
                <Image>
                    <Resource mimeType="image/*" type="FilePath">
                        /tmp/artists/default.jpeg
                    </Resource>
                    <Provider>LocalStorage</Provider>
                    <Resolution>
                        <Width>800</Width>
                        <Heigth>800</Heigth>
                    </Resolution>
                    <Value>13012099250749</Value>
                </Image>
                <Image>
                    <Resource mimeType="image/*" type="HttpURL">
                        https://artwork-cdneart.com/00/000/007/0000000749_.jpg
                    </Resource>
                    <Provider>LocalStorage</Provider>
                    <Resolution>
                        <Width>800</Width>
                        <Heigth>800</Heigth>
                    </Resolution>
                    <Value>13012099250749</Value>
                </Image>
            </Images>
            <MetaData>
                <BirthDay type="ISO-YMD">1980-03-22</BirthDay>
            </MetaData>
            <Resources action="push">
                <Resource>
                    <Source>7digital</Source>
                    <Item>
                        <Type>Web-Link</Type>
                        <Value>https://itunes.apple.com...60760626?uo=4&at=1010lo7f&app=itunes</Value>
                    <Item>
                </Resource>
            </Resources>
            <CreatedAt type="unixtimestamp">1614859461<createdAt>
            <UpdatedCount action="increase">1</Popuylarity>
        </Artist>
    <Schema>
</xml>
"""

RELEASE = """\
<xml>
    <Schema action="Create">
        <Release id="1234">
            <Title>243676578</Title>
            <TrackCount>14</TrackCount>
            <SubTitle>14</SubTitle>
            <Popularity>0.2</Popuylarity>
            <CLine>Â© 2003 EMI Records Ltd</CLine>
            <PLine></PLine>
            <DiscNumber>1</DiscNumber>
            <Duration type="seconds">226</Duration>
            <ExplicitType>implicit</ExplicitType>
            <GRID></GRID>
            <ISPN>U4099991E90120</ISPN>
            <ISRC>USEWC0761141</ISRC>
            <ProductNumber>00724358220254</ProductNumber>
            <ReleaseDate type="ISO-YMD">1992-01-01</ReleaseDate>
            <Territories src="territories.xml" />
            <Reference>
                <Provider>7digital</Provider>
                <ID>2509822</ID>
            </Reference>
            <Label>
                <ID>12652</ID>
                <Name>EMI Trade Marketing</Name>
            </Label>
            <Images>
                <Image>
                    <Source>7digital</Source>
                    <Resolutions>
                        <Width>800</Width>
                        <Heigth>800</Heigth>
                    </Resolutions>
                    <Value>https://artwork-cdn....eart/00/000/007/0000000749_<$size$>.jpg</Value>
                </Image>
            </Images>
            <Resources>
                <Resource>
                    <Source>7digital</Source>
                    <Type>Web-Link</Type>
                    <Value>https://itunes.apple.com...60760626?uo=4&at=1010lo7f&app=itunes</Value>
                </Resource>
            </Resources>
            <Genres>
                <Genre src="genres/hiphop.xml" />
                <Genre src="genres/rock.xml" />
            </Genres>
            <Artists>
                <Artist src="artists/152003.xml"/>
                <Artist src="artists/45092.xml"/>
            </Artists>
            <Tracks>
                <Track src="tracks/3458902.xml" />
                <Track src="tracks/3458903.xml" />
                <Track src="tracks/3458904.xml" />
            <Tracks>
            <CreatedAt type="unixtimestamp">1614859461<createdAt>
        <Release>
    <Schema>
</xml>
"""

TRACK = """\
<xml>
    <Schema action="Create">
        <Track id="4a49466d-674a-452c-96b7-b0b4e277edfa">
            <Title>243676578</Title>
            <SubTitle>14</SubTitle>
            <CLine>Â© 2003 EMI Records Ltd</CLine>
            <PLine>Â© 2003 EMI Records Ltd</PLine>
            <DiscNumber>3</DiscNumber>
            <TrackNumber>2</TrackNumber>
            <Duration type="seconds">226</Duration>
            <ExplicitType>implicit</ExplicitType>
            <GRID></GRID>
            <ISPN>U4099991E90120</ISPN>
            <ISRC>USEWC0761141</ISRC>
            <Releases>
                <Release src="release.1.xml">
                <Release src="release.2.xml">
            </Releases>
            <Reference>
                <Provider>7digital</Provider>
                <ID>2509822</ID>
            </Reference>
            <Resources>
                <Resource>
                    <Source>7digital</Source>
                    <Type>Web-Link</Type>
                    <Value>https://itunes.apple.com/...?uo=4&at=1010lo7f&app=itunes</Value>
                </Resource>
            </Resources>
            <Validities>
                <Validity />
                <Validity />
            </Validities>
            <Genres>
                <Genre action="push" src="genres/hiphop.xml" />
                <Genre action="push" src="genres/rock.xml" />
            </Genres>
            <Artists>
                <Artist src="artists/152003.xml"/>
                <Artist src="artists/45092.xml"/>
            </Artists>
            <CreatedAt type="unixtimestamp">1614859461<createdAt>
        <Track>
    <Schema>
</xml>
"""

RELEASE_DELETE = """\
<xml>
    <Schema>
        <Release action="Delete">
            <ID>243676578<ID>
        <Release>
    <Schema>
</xml>
"""

RELEASE_UPDATE = """\
<xml>
    <Schema>
        <Release>
            <ID>Hello</ID>
            <Title>Hello</Title>
            <View>1</View>
            <Artists>
                <Artist action="push" src="genres/artist.2.xml"/>
                <Artist action="pull" src="genres/artist.2.xml"/>
            </Artists>
            <Tracks>
                <Track action="pull" src="tracks/track1" />
            <Tracks>
        <Release>
    </Schema>
</xml>
"""

TRACK_UPDATE = """\
<xml>
    <Schema version="1.0">
        <Track action="Update">
            <ID>123445</ID>
            <Territories>
                <Territory action="push" src="territories.xml" ref="US" />
            </Territories>
            <Resources action="Update">
                <Resource action="Pull">
                </Resource>
                <Resource action="Push">
                </Resource>
            </Resources>
        <Track>
    </Schema>
</xml>
"""

RELEASE_COUNTER = """\
<xml>
    <Schema version="1.0">
        <Release action="Update">
            <ID>12301928</ID>
            <UpdateCount operator="Increase">3</UpdateCount>
            <Resources operator="Transform">
                <Resource action="Pull">
                </Resource>
                <Resource action="Push">
                </Resource>
            </Resources>
        </Release>
    </Schema>
</xml>
"""

RELEASE_SETTING = """\
<xml>
    <Schema version="1.0">
        <ReleaseSetting action="Update">
            <ID>12301928</ID>
            <Territories operator="Placement">
                <Country operator="Pull">US</Country>
            </Territories>
        </ReleaseSetting>
    </Schema>
</xml>
"""

TRACK_DELETE = """\
<xml>
    <Schema version="1.0">
        <Track action="Delete">
            <ID>12301928</ID>
        <Track>
    </Schema>
</xml>
"""
